namespace Tenfold.Guide;

/// <summary>Marks a property of a guide record that is derived, not written in the YAML file.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class NotAKeyAttribute : Attribute;
