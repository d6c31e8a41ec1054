using System.Globalization;

namespace Tenfold.Runtime.Scaling;

/// <summary>What this machine has.</summary>
/// <param name="Cores">Processors that this process may use.</param>
/// <param name="MemoryBytes">Memory, or the limit of the container that this process is in.</param>
/// <param name="AvailableBytes">What could be had now without swapping; null: not known.</param>
internal sealed record Machine(int Cores, long MemoryBytes, long? AvailableBytes)
{
    /// <summary>As it is now.</summary>
    public static Machine Look() => new(Environment.ProcessorCount, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, Available());

    /// <summary>Reads <c>/proc/meminfo</c>.</summary>
    internal static long? Available(string file = "/proc/meminfo")
    {
        const string Name = "MemAvailable:";
        try
        {
            var line = File.ReadLines(file).FirstOrDefault(one => one.StartsWith(Name, StringComparison.Ordinal));
            return line is not null && long.TryParse(line.AsSpan(Name.Length).Trim().TrimEnd("kB").Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var kilobytes)
                ? kilobytes * 1024
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
