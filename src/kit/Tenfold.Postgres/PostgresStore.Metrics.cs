using System.Diagnostics.Metrics;

namespace Tenfold.Postgres;

public sealed partial class PostgresStore
{
    private readonly StoreMetrics _metrics;
    private long _replicaReads;
    private long _primaryReads;

    /// <summary>Reads so far that a replica served.</summary>
    public long ReplicaReads => Volatile.Read(ref _replicaReads);

    /// <summary>Reads so far that the primary served: all of them with a single server.</summary>
    public long PrimaryReads => Volatile.Read(ref _primaryReads);

    /// <summary>The meter <c>Tenfold.Postgres</c>: observable instruments only, so that nothing is paid while nobody looks.</summary>
    private sealed class StoreMetrics : IDisposable
    {
        private readonly Meter _meter = new("Tenfold.Postgres");

        public StoreMetrics(PostgresStore store)
        {
            KeyValuePair<string, object?> name = new("store", store.Name);
            _meter.CreateObservableCounter(
                "tenfold.postgres.reads",
                () => new Measurement<long>[] { new(store.ReplicaReads, name, new("server", "replica")), new(store.PrimaryReads, name, new("server", "primary")) },
                "{read}",
                "Reads that were given a connection, by the kind of server.");
            _meter.CreateObservableGauge(
                "tenfold.postgres.replica.lag",
                () => store.Status().Where(server => server.Lag is not null).Select(server => new Measurement<double>(server.Lag!.Value.TotalSeconds, name, new("server", server.Server))),
                "s",
                "How old a replica's view is at most.");
            _meter.CreateObservableGauge(
                "tenfold.postgres.server.serves",
                () => store.Status().Select(server => new Measurement<int>(server.Serves ? 1 : 0, name, new("server", server.Server), new("role", server.IsPrimary ? "primary" : "replica"))),
                description: "1 while the server is used in this role.");
            Pools("tenfold.postgres.connections.used", "{connection}", "Connections that are opened.", pool => pool.InUse);
            Pools("tenfold.postgres.connections.max", "{connection}", "Most connections of the pool.", pool => pool.Max);
            _meter.CreateObservableCounter(
                "tenfold.postgres.connections.high",
                () => All().Select(pool => new Measurement<long>(pool.Pool.Highs, name, new("pool", pool.Name))),
                "{time}",
                "How often the connections in use have risen to 80% of the pool.");
            _meter.CreateObservableCounter(
                "tenfold.postgres.waits",
                () => All().Select(pool => new Measurement<long>(pool.Pool.Waits.Times, name, new("pool", pool.Name))),
                "{wait}",
                "How often a connection was not there at once.");
            _meter.CreateObservableCounter(
                "tenfold.postgres.wait.time",
                () => All().Select(pool => new Measurement<double>((double)pool.Pool.Waits.Ticks / store._time.TimestampFrequency, name, new("pool", pool.Name))),
                "s",
                "How long was waited for connections.");

            void Pools(string instrument, string unit, string description, Func<Routing.ServerPool, long> value) =>
                _meter.CreateObservableGauge(instrument, () => All().Select(pool => new Measurement<long>(value(pool.Pool), name, new("pool", pool.Name))), unit, description);

            IEnumerable<(string Name, Routing.ServerPool Pool)> All() => store._router.Nodes.SelectMany(node => node.Pools);
        }

        public void Dispose() => _meter.Dispose();
    }
}
