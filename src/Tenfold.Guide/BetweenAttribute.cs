namespace Tenfold.Guide;

/// <summary>Smallest and largest value that a key takes, both allowed, in the notation of the guide itself (<c>"1ms", "1d"</c>).</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class BetweenAttribute(string min, string max) : Attribute
{
    public string Min => min;

    public string Max => max;
}
