using System.Threading.Tasks.Sources;

namespace Tenfold.RateLimiting.Deciding;

/// <summary>One decision that Redis is to make, and its caller's task. Used again once the caller has taken the decision.</summary>
internal sealed class Question(Combiner combiner) : IValueTaskSource<RateLimitDecision>
{
    private ManualResetValueTaskSourceCore<RateLimitDecision> _core;
    private RateLimitDecision? _decision;

    /// <summary>The limits and who is counted.</summary>
    public ReadOnlyMemory<QuotaCheck> Checks { get; private set; }

    public int Cost { get; private set; }

    public void Begin(ReadOnlyMemory<QuotaCheck> checks, int cost) => (Checks, Cost) = (checks, cost);

    /// <summary>The caller's task. Before anybody can decide.</summary>
    public ValueTask<RateLimitDecision> Task() => new(this, _core.Version);

    /// <summary>Keeps the decision until it is published.</summary>
    public void Decide(RateLimitDecision decision) => _decision = decision;

    /// <summary>Tells the caller; its code goes on in here.</summary>
    public void Publish() => _core.SetResult(_decision!);

    ValueTaskSourceStatus IValueTaskSource<RateLimitDecision>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<RateLimitDecision>.OnCompleted(Action<object?> go, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(go, state, token, flags);

    RateLimitDecision IValueTaskSource<RateLimitDecision>.GetResult(short token)
    {
        var decision = _core.GetResult(token);
        _core.Reset();
        (Checks, _decision) = (default, null);
        combiner.Return(this);
        return decision;
    }
}
