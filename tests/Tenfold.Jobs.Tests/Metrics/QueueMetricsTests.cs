using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Tenfold.Jobs.Tests.Support;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Metrics;

public sealed class QueueMetricsTests(JobServer server)
{
    [Fact]
    public async Task Queues_are_told_by_name_and_state_while_somebody_listens()
    {
        await using var database = await server.DatabaseAsync();
        var queue = $"queue-{Guid.NewGuid():n}"; // other tests of this process have meters of this name, too
        await database.WaitingAsync(queue, columns: "enqueued_at", values: "now() - interval '1 h'");
        await database.WaitingAsync(queue, ready: false, columns: "run_at", values: "now() + interval '1 h'");
        await database.EndedAsync(queue);
        await using var app = await JobApp.StartAsync(database.ConnectionString);
        using var read = new Gauges();

        await Wait.ForAsync("the queue is told", () => read.Now("tenfold.jobs.depth", queue, "ready") is 1);

        Assert.Equal((1, 0, 0, 0), (read["tenfold.jobs.depth", queue, "scheduled"], read["tenfold.jobs.depth", queue, "blocked"], read["tenfold.jobs.depth", queue, "parked"], read["tenfold.jobs.depth", queue, "running"]));
        Assert.Equal(1, read["tenfold.jobs.dead.letters", queue, null]);
        Assert.Equal(0, read["tenfold.jobs.paused", queue, null]);
        Assert.InRange(read["tenfold.jobs.oldest.ready", queue, null]!.Value, 3599, 4000);
    }

    [Fact]
    public async Task What_this_process_did_is_counted()
    {
        await using var database = await server.DatabaseAsync();
        var queue = $"queue-{Guid.NewGuid():n}";
        await using var app = await JobApp.StartAsync(database.ConnectionString, (name, _, _) => name == "bad" ? throw new JobFailedException("no") : Task.CompletedTask, options => options.Queues[queue] = new JobQueueOptions());
        using var read = new Gauges();

        await app.Client.EnqueueAsync(new Work("a"), new EnqueueOptions { Queue = queue });
        await app.Client.EnqueueAsync(new Work("bad"), new EnqueueOptions { Queue = queue });

        await Wait.ForAsync("both are counted", () => (read.Now("tenfold.jobs.completed", queue, null), read["tenfold.jobs.failed", queue, null]) is (1, 1));
        Assert.Equal(0, read["tenfold.jobs.retried", queue, null]);
    }

    private sealed class Gauges : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly ConcurrentDictionary<(string, object?, object?), double> _values = new();

        public Gauges()
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == "Tenfold.Jobs")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
            _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
            _listener.Start();
        }

        public double? this[string name, string? queue, string? state] => _values.TryGetValue((name, queue, state), out var value) ? value : null;

        public double? Now(string name, string? queue, string? state)
        {
            _values.Clear();
            _listener.RecordObservableInstruments();
            return this[name, queue, state];
        }

        public void Dispose() => _listener.Dispose();

        private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var (queue, state) = ((object?)null, (object?)null);
            foreach (var (name, tag) in tags)
            {
                (queue, state) = name == "queue" ? (tag, state) : (queue, tag);
            }

            _values[(instrument.Name, queue, state)] = value;
        }
    }
}
