using System.Text;
using Tenfold.RateLimiting.Arithmetic;
using Tenfold.RateLimiting.Memory;

namespace Tenfold.RateLimiting.Deciding;

/// <summary>What this process knows, and decides on its own: refusals that Redis would repeat, and everything while Redis is away. Thread-safe.</summary>
internal sealed class LocalDecider
{
    private readonly Quota[] _quotas;
    private readonly byte[][] _prefixes;
    private readonly CallerMemory _memory;
    private readonly Lock _insurance = new();
    private readonly TimeProvider _time;
    private readonly long _start;

    public LocalDecider(Quota[] quotas, string keyPrefix, CallerMemory memory, DecisionCounters counters, TimeProvider time)
    {
        (_quotas, _memory, Counters, _time, _start) = (quotas, memory, counters, time, time.GetTimestamp());
        _prefixes = [.. quotas.Select(quota => Encoding.UTF8.GetBytes($"{keyPrefix}:{quota.Name}:"))];
        LongestKey = Caller.MaxLength + (_prefixes.Length == 0 ? 0 : _prefixes.Max(prefix => prefix.Length));
    }

    public DecisionCounters Counters { get; }

    /// <summary>Microseconds since this process began to decide.</summary>
    public long Now => _time.GetElapsedTime(_start).Ticks / TimeSpan.TicksPerMicrosecond;

    /// <summary>Bytes.</summary>
    public int LongestKey { get; }

    /// <summary>Whether this process knows that a request would be refused. Redis knows at least what it has told this process.</summary>
    public bool KnowsRefusal(ReadOnlySpan<QuotaCheck> checks, int cost, long now, out RateLimitDecision refusal)
    {
        foreach (ref readonly var check in checks)
        {
            var rate = check.Quota.Rate;
            var verdict = Gcra.Judge(rate, _memory.Read(IndexOf(check.Quota), check.Caller), now, Math.Max(1, cost));
            // One with a block is left to Redis until the block is there for all.
            if (verdict.Blocked > 0 || (verdict.Wait > 0 && rate.Block == 0))
            {
                refusal = Describe(checks, Judge(checks, now, Math.Max(1, cost)), allowed: false, DecisionSource.DenyCache, counts: cost > 0);
                return true;
            }
        }

        refusal = null!;
        return false;
    }

    /// <summary>What this process would say of a request, which uses nothing up.</summary>
    public RateLimitDecision Peek(ReadOnlySpan<QuotaCheck> checks, long now) => KnowsRefusal(checks, 0, now, out var refusal)
        ? refusal
        : Describe(checks, Judge(checks, now, 1), allowed: true, DecisionSource.Insurance, counts: false);

    /// <summary>Decides without Redis.</summary>
    public RateLimitDecision Insure(ReadOnlySpan<QuotaCheck> checks, int cost, long now)
    {
        Span<GcraRate> rates = stackalloc GcraRate[checks.Length];
        Span<GcraState> states = stackalloc GcraState[checks.Length];
        Span<GcraVerdict> verdicts = stackalloc GcraVerdict[checks.Length];
        lock (_insurance)
        {
            for (var i = 0; i < checks.Length; i++)
            {
                rates[i] = checks[i].Quota.InsuredRate;
                states[i] = _memory.ReadInsured(IndexOf(checks[i].Quota), checks[i].Caller);
            }

            var allowed = Gcra.Decide(rates, states, now, cost, verdicts);
            for (var i = 0; cost > 0 && i < checks.Length; i++)
            {
                var (quota, caller) = (IndexOf(checks[i].Quota), checks[i].Caller);
                if (allowed)
                {
                    _memory.Spend(quota, caller, now, checks[i].Quota.Rate.Interval * cost, rates[i].Interval * cost);
                }
                else if (states[i].BlockedUntil > now)
                {
                    _memory.Block(quota, caller, states[i].BlockedUntil);
                }
            }

            return Describe(checks, verdicts, allowed, DecisionSource.Insurance, counts: cost > 0);
        }
    }

    /// <summary>Decides what Redis has not, and keeps what Redis was to be told.</summary>
    public void Insure(Batch batch, long now)
    {
        var owed = batch.Owed;
        foreach (var question in batch.Questions)
        {
            foreach (ref readonly var check in question.Checks.Span)
            {
                if (owed[0] > 0)
                {
                    _memory.PutBack(IndexOf(check.Quota), check.Caller, owed[0]);
                }

                owed = owed[1..];
            }
        }

        foreach (var question in batch.Questions)
        {
            question.Decide(Insure(question.Checks.Span, question.Cost, now));
        }
    }

    /// <summary>Reads what Redis has decided. Counted from when it was asked: so this process never believes more than Redis has said.</summary>
    /// <exception cref="Redis.RedisException">It has not.</exception>
    /// <exception cref="FormatException">It said something else.</exception>
    public void Learn(Batch batch)
    {
        var answer = batch.Answer();
        if (PackedNumbers.ReadHead(ref answer) != batch.Questions.Length + (2 * batch.Checks))
        {
            throw new FormatException("The script's answer is about something else.");
        }

        Span<GcraVerdict> verdicts = stackalloc GcraVerdict[DistributedRateLimiter.MaxChecks];
        foreach (var question in batch.Questions)
        {
            var checks = question.Checks.Span;
            var passes = PackedNumbers.Read(ref answer) == 1;
            for (var i = 0; i < checks.Length; i++)
            {
                var (rate, backlog, blocked) = (checks[i].Quota.Rate, PackedNumbers.Read(ref answer), PackedNumbers.Read(ref answer));
                verdicts[i] = new GcraVerdict(passes ? 0 : Gcra.Wait(rate, backlog, blocked, Math.Max(1, question.Cost)), backlog, blocked);
                _memory.Learn(IndexOf(checks[i].Quota), checks[i].Caller, batch.Sent, verdicts[i]);
            }

            question.Decide(Describe(checks, verdicts[..checks.Length], passes, DecisionSource.Redis, counts: question.Cost > 0));
        }
    }

    /// <summary>What Redis is to be told of a caller.</summary>
    public Telling Tell(in QuotaCheck check, long now, bool carries) => _memory.Take(IndexOf(check.Quota), check.Caller, now, carries);

    /// <summary>Writes the key of a caller; how long it is.</summary>
    public int WriteKey(in QuotaCheck check, Span<byte> into)
    {
        var prefix = _prefixes[IndexOf(check.Quota)];
        prefix.CopyTo(into);
        return prefix.Length + check.Caller.WriteTo(into[prefix.Length..]);
    }

    private GcraVerdict[] Judge(ReadOnlySpan<QuotaCheck> checks, long now, int cost)
    {
        var verdicts = new GcraVerdict[checks.Length];
        for (var i = 0; i < verdicts.Length; i++)
        {
            verdicts[i] = Gcra.Judge(checks[i].Quota.Rate, _memory.Read(IndexOf(checks[i].Quota), checks[i].Caller), now, cost);
        }

        return verdicts;
    }

    private RateLimitDecision Describe(ReadOnlySpan<QuotaCheck> checks, ReadOnlySpan<GcraVerdict> verdicts, bool allowed, DecisionSource source, bool counts)
    {
        if (counts)
        {
            Counters.Decided(source, allowed);
        }

        var states = new QuotaState[checks.Length];
        for (var i = 0; i < states.Length; i++)
        {
            var (quota, verdict) = (checks[i].Quota, verdicts[i]);
            states[i] = new QuotaState(
                quota,
                verdict.Remaining(source == DecisionSource.Insurance ? quota.InsuredRate : quota.Rate),
                TimeSpan.FromMicroseconds(verdict.Wait),
                TimeSpan.FromMicroseconds(Math.Max(verdict.Backlog, verdict.Blocked)));
            if (counts)
            {
                Counters.Decided(IndexOf(quota), source, verdict.Wait == 0);
            }
        }

        return new RateLimitDecision(allowed, source, states);
    }

    private int IndexOf(Quota quota)
    {
        for (var i = 0; i < _quotas.Length; i++)
        {
            if (ReferenceEquals(_quotas[i], quota))
            {
                return i;
            }
        }

        throw new ArgumentException($"'{quota.Name}' is not one of this limiter's limits", nameof(quota));
    }
}
