using System.Collections.Concurrent;
using Tenfold.Gateway.Forwarding;

namespace Tenfold.Gateway.Listening;

/// <summary>
/// Looks at every client connection ten times a second for what is due: one timer for all, because one for each request
/// would cost more than the request. So time limits hold to within 100 ms. Thread-safe.
/// </summary>
internal sealed class Sweeper : IDisposable
{
    /// <summary>Time between two looks.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<ClientExchange, byte> _exchanges = new();
    private readonly GatewayClock _clock;
    private readonly Action<long> _every;
    private readonly Action<Exception> _failed;
    private readonly ITimer _timer;

    /// <param name="clock">The time.</param>
    /// <param name="every">What else is to be done at every look.</param>
    /// <param name="failed">Told of a fault while looking: it concerns one connection, and must not end the process.</param>
    public Sweeper(GatewayClock clock, Action<long> every, Action<Exception> failed)
    {
        (_clock, _every, _failed) = (clock, every, failed);
        _timer = clock.Time.CreateTimer(static self => ((Sweeper)self!).Sweep(), this, Period, Period);
    }

    public IEnumerable<ClientExchange> Exchanges => _exchanges.Select(pair => pair.Key);

    public void Add(ClientExchange exchange) => _exchanges.TryAdd(exchange, 0);

    public void Remove(ClientExchange exchange) => _exchanges.TryRemove(exchange, out _);

    public void Dispose() => _timer.Dispose();

    private void Sweep()
    {
        var now = _clock.Now;
        foreach (var (exchange, _) in _exchanges)
        {
            Look(exchange, now);
        }

        Look(null, now);
    }

    // At a client, or at everything else.
    private void Look(ClientExchange? exchange, long now)
    {
        try
        {
            if (exchange is null)
            {
                _every(now);
            }
            else
            {
                exchange.Tick(now);
            }
        }
#pragma warning disable CA1031 // A timer's callback: what escapes it ends the process, and with it every request of the system.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _failed(e);
        }
    }
}
