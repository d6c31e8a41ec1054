using System.Diagnostics.Metrics;

namespace Tenfold.Postgres.Shards;

/// <summary>What a sharded store tells in the meter <c>Tenfold.Postgres</c>: observable instruments only, so that nothing is paid while nobody looks.</summary>
internal sealed class ShardMetrics : IDisposable
{
    private readonly Meter _meter = new("Tenfold.Postgres");
    private long _refused;

    public ShardMetrics(string store, Func<ShardMapWatcher?> watcher)
    {
        KeyValuePair<string, object?> name = new("store", store);
        Gauge("tenfold.postgres.shard.map.epoch", null, "Version of the shard map that this process goes by.", known => known.Map.Epoch);
        Gauge("tenfold.postgres.shard.map.age", "s", "Time since the home database said that the map is the newest.", known => known.Age.TotalSeconds);
        Gauge("tenfold.postgres.shard.databases", "{database}", "Databases in the shard map.", known => known.Map.Databases.Count);
        _meter.CreateObservableCounter(
            "tenfold.postgres.shard.refused", () => new Measurement<long>(RefusedWrites, name), "{write}", "Writes that a database refused as their bucket had moved, and that were sent on.");

        void Gauge(string instrument, string? unit, string description, Func<ShardMapWatcher, double> value) =>
            _meter.CreateObservableGauge(instrument, () => watcher() is { } known ? [new Measurement<double>(value(known), name)] : Array.Empty<Measurement<double>>(), unit, description);
    }

    public long RefusedWrites => Volatile.Read(ref _refused);

    public void Refused() => Interlocked.Increment(ref _refused);

    public void Dispose() => _meter.Dispose();
}
