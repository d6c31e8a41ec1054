using System.Globalization;

namespace Tenfold.Caching.TestHost;

/// <summary>What happened to a key; times are of the machine's monotonic clock in nanoseconds.</summary>
/// <param name="Kind">R read, L load, I invalidation (or a value put in its place).</param>
/// <param name="Node">The process.</param>
/// <param name="Key">Number of the key.</param>
/// <param name="Begin">When it began.</param>
/// <param name="End">When it was done; of an invalidation: acknowledged.</param>
/// <param name="Version">R, L: of the value. I: the version that the source had by then.</param>
/// <param name="Load">R, L: which load made the value. I: 0, or the number of the value that was put.</param>
public readonly record struct HistoryEvent(char Kind, int Node, int Key, long Begin, long End, long Version, long Load)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Kind} {Node} {Key} {Begin} {End} {Version} {Load}");

    public static HistoryEvent Parse(string line)
    {
        var parts = line.Split(' ');
        return new HistoryEvent(parts[0][0], Number(1), Number(2), Long(3), Long(4), Long(5), Long(6));

        int Number(int i) => int.Parse(parts[i], CultureInfo.InvariantCulture);

        long Long(int i) => long.Parse(parts[i], CultureInfo.InvariantCulture);
    }
}
