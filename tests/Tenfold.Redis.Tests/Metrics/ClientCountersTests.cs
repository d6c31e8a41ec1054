using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Tenfold.Redis.Tests.Support;

namespace Tenfold.Redis.Tests.Metrics;

public sealed class ClientCountersTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    [Fact]
    public async Task Commands_bytes_errors_and_connections_are_counted_and_durations_measured_for_a_listener()
    {
        await using var client = new RedisClient(Patient.Options(fixture.Server.Url) with { PingInterval = TimeSpan.FromDays(1) }); // a PING would be counted
        await Eventually.IsTrueAsync(() => client.IsConnected, "connected");
        var values = new ConcurrentDictionary<string, double>();
        var durations = 0;
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter == client.Meter)
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => values[instrument.Name] = value);
        listener.SetMeasurementEventCallback<double>((_, value, _, _) =>
        {
            Assert.InRange(value, 0, Eventually.Patience.TotalSeconds);
            Interlocked.Increment(ref durations);
        });
        listener.Start();
        listener.RecordObservableInstruments();
        var before = values.ToDictionary();

        for (var i = 0; i < 10; i++)
        {
            await client.SetAsync("counted", new byte[1000]);
        }

        await Assert.ThrowsAsync<RedisServerException>(async () => await client.ExecuteAsync(["NOSUCH"]));
        listener.RecordObservableInstruments();
        Assert.InRange(values["tenfold.redis.commands"] - before["tenfold.redis.commands"], 11, 40);
        Assert.InRange(values["tenfold.redis.sent"] - before["tenfold.redis.sent"], 10_000, 12_000);
        Assert.Equal(1, values["tenfold.redis.errors"] - before["tenfold.redis.errors"]);
        Assert.Equal(2, values["tenfold.redis.connections"]);
        Assert.InRange(durations, 11, 40);
    }
}
