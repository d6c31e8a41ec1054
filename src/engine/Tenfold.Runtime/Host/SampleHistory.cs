using Tenfold.Gateway.Metrics;
using Tenfold.Runtime.Cgroups;

namespace Tenfold.Runtime.Host;

/// <summary>What had been used and counted at one moment.</summary>
/// <param name="Time">When.</param>
/// <param name="Usage">By process.</param>
/// <param name="Traffic">What the gateway has counted; null before it runs.</param>
internal sealed record Sample(DateTimeOffset Time, IReadOnlyDictionary<string, ResourceUsage> Usage, GatewaySnapshot? Traffic);

/// <summary>Two samples, and the rates between them.</summary>
internal sealed record SampleInterval(Sample Before, Sample Now)
{
    private TimeSpan Length => Now.Time - Before.Time;

    /// <summary>Mean cores in use; null for a process that was not there at the beginning.</summary>
    public double? Cores(string key) =>
        Length > TimeSpan.Zero && Before.Usage.TryGetValue(key, out var old) && Now.Usage.TryGetValue(key, out var fresh)
            ? Math.Max(0, (fresh.CpuTime - old.CpuTime) / Length)
            : null;

    /// <summary>Memory at the end, in bytes.</summary>
    public long? Memory(string key) => Now.Usage.TryGetValue(key, out var fresh) ? fresh.MemoryBytes : null;

    /// <summary>What some requests met in between.</summary>
    public SeriesSnapshot? Requests(Func<GatewaySnapshot, SeriesSnapshot> which) =>
        Length > TimeSpan.Zero && Before.Traffic is { } before && Now.Traffic is { } now ? which(now).Since(which(before)) : null;

    /// <summary>Requests a second.</summary>
    public double? Rate(SeriesSnapshot? requests) => requests is null ? null : Math.Max(0, requests.Requests) / Length.TotalSeconds;
}

/// <summary>Samples of the last seconds. Thread-safe.</summary>
internal sealed class SampleHistory
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(500);
    private readonly Lock _lock = new();
    private readonly List<Sample> _samples = [];

    /// <summary>Adds a sample and compares it with the oldest one of the last 6 s, or the last one when all are older.</summary>
    public SampleInterval Add(Sample now)
    {
        lock (_lock)
        {
            while (_samples.Count > 1 && now.Time - _samples[0].Time > Longest)
            {
                _samples.RemoveAt(0);
            }

            var before = _samples.Count > 0 ? _samples[0] : now;
            if (_samples.Count == 0 || now.Time - _samples[^1].Time >= Least)
            {
                _samples.Add(now);
            }

            return new SampleInterval(before, now);
        }
    }
}
