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
    private readonly ITimer _timer;

    /// <param name="clock">The time.</param>
    /// <param name="every">What else is to be done at every look.</param>
    public Sweeper(GatewayClock clock, Action<long> every)
    {
        (_clock, _every) = (clock, every);
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
            exchange.Tick(now);
        }

        _every(now);
    }
}
