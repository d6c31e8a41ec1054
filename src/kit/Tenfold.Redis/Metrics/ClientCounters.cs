using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;

namespace Tenfold.Redis.Metrics;

/// <summary>
/// What a client counts, on the meter <c>Tenfold.Redis</c>. Counting a command costs an addition; durations are measured only
/// while somebody listens to them.
/// </summary>
internal sealed class ClientCounters : IDisposable
{
    private readonly Meter _meter = new("Tenfold.Redis");
    private readonly Histogram<double> _duration;
    private readonly TimeProvider _time;
    private long _flushes;
    private long _sentBytes;
    private long _receivedBytes;
    private long _commands;
    private long _refused;
    private long _timedOut;
    private long _redirected;
    private long _connected;
    private long _lost;
    private long _dropped;

    public ClientCounters(TimeProvider time)
    {
        _time = time;
        _duration = _meter.CreateHistogram<double>("tenfold.redis.command.duration", "s", "From sending a command to its answer");
        Count("tenfold.redis.commands", "{command}", "Commands given to a connection", () => Volatile.Read(ref _commands));
        Count("tenfold.redis.flushes", "{flush}", "Times that commands were given to the network, one or many at once", () => Volatile.Read(ref _flushes));
        Count("tenfold.redis.sent", "By", "Bytes sent", () => Volatile.Read(ref _sentBytes));
        Count("tenfold.redis.received", "By", "Bytes received", () => Volatile.Read(ref _receivedBytes));
        Count("tenfold.redis.errors", "{answer}", "Answers that are errors, redirections included", () => Volatile.Read(ref _refused));
        Count("tenfold.redis.timeouts", "{command}", "Commands that got no answer in time", () => Volatile.Read(ref _timedOut));
        Count("tenfold.redis.redirections", "{command}", "Commands sent again, to where a cluster or sentinel said, or in full", () => Volatile.Read(ref _redirected));
        Count("tenfold.redis.connections.made", "{connection}", "Connections made", () => Volatile.Read(ref _connected));
        Count("tenfold.redis.connections.lost", "{connection}", "Connections lost", () => Volatile.Read(ref _lost));
        Count("tenfold.redis.messages.dropped", "{message}", "Published messages dropped because a handler was behind", () => Volatile.Read(ref _dropped));
        _meter.CreateObservableGauge("tenfold.redis.connections", () => Volatile.Read(ref _connected) - Volatile.Read(ref _lost), "{connection}", "Connections there are");
    }

    public Meter Meter => _meter;

    public long CommandsSent => Volatile.Read(ref _commands);

    /// <summary>The start of a duration, or 0 if nobody wants to know.</summary>
    public long Start() => _duration.Enabled ? _time.GetTimestamp() : 0;

    public void Took(long started, EndPoint endPoint) =>
        _duration.Record(_time.GetElapsedTime(started).TotalSeconds, new TagList { { "server.address", endPoint.ToString() } });

    public void Sent(int bytes, int commands)
    {
        Interlocked.Increment(ref _flushes);
        Interlocked.Add(ref _commands, commands);
        Interlocked.Add(ref _sentBytes, bytes);
    }

    public void Received(int bytes) => Interlocked.Add(ref _receivedBytes, bytes);

    public void Refused() => Interlocked.Increment(ref _refused);

    public void TimedOut() => Interlocked.Increment(ref _timedOut);

    public void Redirected() => Interlocked.Increment(ref _redirected);

    public void Connected() => Interlocked.Increment(ref _connected);

    public void Lost() => Interlocked.Increment(ref _lost);

    public void Dropped() => Interlocked.Increment(ref _dropped);

    public void Dispose() => _meter.Dispose();

    private void Count(string name, string unit, string description, Func<long> value) => _meter.CreateObservableCounter(name, value, unit, description);
}
