namespace Tenfold.Runtime.Host;

/// <summary>A random generator for many threads.</summary>
internal sealed class SharedRandom : Random
{
    private readonly Lock _lock = new();
    private readonly Random _random = new();

    public override int Next(int minValue, int maxValue)
    {
        lock (_lock)
        {
            return _random.Next(minValue, maxValue);
        }
    }

    public override double NextDouble()
    {
        lock (_lock)
        {
            return _random.NextDouble();
        }
    }

    protected override double Sample() => NextDouble();
}
