using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Tenfold.RateLimiting.Arithmetic;
using Tenfold.RateLimiting.Deciding;
using Tenfold.RateLimiting.Memory;
using Tenfold.Redis;

namespace Tenfold.RateLimiting;

/// <summary>
/// Counts callers for all processes together, in Redis and by its clock. While Redis is away, slow, full or emptied, this process
/// decides on its own from what it knows (insurance), so that a request neither fails nor waits for long because of a limit,
/// and the gate stays shut. Whom it knows to be over it refuses without asking.
/// </summary>
/// <remarks>
/// Thread-safe. What holds when, in numbers: docs/rate-limits.md. It has a connection to Redis of its own, so that a decision
/// never waits behind a large value of somebody else.
/// </remarks>
public sealed partial class DistributedRateLimiter : IAsyncDisposable
{
    /// <summary>Limits that one request can be under.</summary>
    public const int MaxChecks = 32;

    private readonly RedisScript _script = new(LimitScript.Text);
    private readonly Quota[] _quotas;
    private readonly byte[][] _prefixes;
    private readonly RedisClient? _redis;
    private readonly CallerMemory _memory;
    private readonly RedisGate _gate = new();
    private readonly Lock _insurance = new();
    private readonly DecisionCounters _counters;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly long _start;

    /// <summary>Connects in the background: an absent Redis is no error.</summary>
    /// <param name="quotas">Every limit it will be asked about, names unique.</param>
    /// <param name="options">Redis, key prefix, patience.</param>
    /// <param name="time">Clock; only differences count, so steps of the system's clock do not matter.</param>
    /// <param name="logs">Null logs nothing.</param>
    /// <param name="random">Seed of the hash of the caller memory. Default: a new one.</param>
    public DistributedRateLimiter(
        IReadOnlyList<Quota> quotas, RateLimiterOptions options, TimeProvider? time = null, ILoggerFactory? logs = null, Random? random = null)
    {
        ArgumentNullException.ThrowIfNull(quotas);
        ArgumentNullException.ThrowIfNull(options);
        if (quotas.Select(quota => quota.Name).Distinct(StringComparer.Ordinal).Count() != quotas.Count)
        {
            throw new ArgumentException("two limits have the same name", nameof(quotas));
        }

        _quotas = [.. quotas];
        _prefixes = [.. quotas.Select(quota => Encoding.UTF8.GetBytes($"{options.KeyPrefix}:{quota.Name}:"))];
        _time = time ?? TimeProvider.System;
        _start = _time.GetTimestamp();
        _log = (logs ?? NullLoggerFactory.Instance).CreateLogger("Tenfold.RateLimiting");
        _memory = new CallerMemory(options.RememberedCallers, random ?? new Random());
        _counters = new DecisionCounters(_quotas, () => IsInsured);
        _redis = options.Redis is null ? null : new RedisClient(
            options.Redis with { CommandTimeout = options.Patience, ConnectWait = TimeSpan.Zero, ConnectionsPerNode = 1, ClientName = "tenfold-limits" }, _time, logs);
    }

    /// <summary>Whether this process decides on its own at the moment.</summary>
    public bool IsInsured => _redis is not { IsConnected: true } || _gate.IsClosed;

    private long Now => _time.GetElapsedTime(_start).Ticks / TimeSpan.TicksPerMicrosecond;

    /// <summary>Decides one request under several limits at once: it uses something up under all of them, or under none.</summary>
    /// <param name="checks">The limits and who is counted under each; must not change before the decision is there.</param>
    /// <param name="cost">How many requests it counts as; 0 only looks.</param>
    /// <returns>The decision. It never fails because of Redis.</returns>
    /// <exception cref="ArgumentException">A limit is not one of this limiter's, or there are none or too many.</exception>
    public ValueTask<RateLimitDecision> DecideAsync(ReadOnlyMemory<QuotaCheck> checks, int cost = 1)
    {
        if (checks.Length is 0 or > MaxChecks)
        {
            throw new ArgumentException($"{checks.Length} limits; allowed: 1 to {MaxChecks}", nameof(checks));
        }

        ArgumentOutOfRangeException.ThrowIfNegative(cost);
        var now = Now;
        if (KnowsRefusal(checks.Span, cost, now, out var refusal))
        {
            return new(refusal);
        }

        if (_redis is not { IsConnected: true })
        {
            return new(Insure(checks.Span, cost, now));
        }

        // One that tries whether Redis is back carries nothing that would count twice if it were not.
        var carries = !_gate.IsClosed && cost > 0;
        return _gate.TryPass(now) ? AskAsync(checks, cost, now, carries) : new(Insure(checks.Span, cost, now));
    }

    /// <summary>
    /// What this process would say without asking anybody: an answer at once for those who must not wait. It uses nothing up.
    /// </summary>
    public RateLimitDecision Peek(ReadOnlySpan<QuotaCheck> checks)
    {
        var now = Now;
        return KnowsRefusal(checks, 0, now, out var refusal) ? refusal : Describe(checks, Judge(checks, now, 1), allowed: true, DecisionSource.Insurance);
    }

    public async ValueTask DisposeAsync()
    {
        _counters.Dispose();
        if (_redis is not null)
        {
            await _redis.DisposeAsync();
        }
    }

    // Redis knows at least what it has told this process. A limit with a block is left to it until the block is there for all.
    private bool KnowsRefusal(ReadOnlySpan<QuotaCheck> checks, int cost, long now, out RateLimitDecision refusal)
    {
        var refuses = false;
        for (var i = 0; i < checks.Length; i++)
        {
            var rate = checks[i].Quota.Rate;
            var verdict = Gcra.Judge(rate, _memory.Read(IndexOf(checks[i].Quota), checks[i].Caller), now, Math.Max(1, cost));
            refuses |= verdict.Blocked > 0 || (verdict.Wait > 0 && rate.Block == 0);
        }

        refusal = refuses ? Describe(checks, Judge(checks, now, Math.Max(1, cost)), allowed: false, DecisionSource.DenyCache) : null!;
        return refuses;
    }

    private ValueTask<RateLimitDecision> AskAsync(ReadOnlyMemory<QuotaCheck> memory, int cost, long now, bool carries)
    {
        var checks = memory.Span;
        var keys = ArrayPool<RedisKey>.Shared.Rent(checks.Length);
        var arguments = ArrayPool<RedisArgument>.Shared.Rent(1 + (6 * checks.Length));
        long[]? owed = null;
        try
        {
            arguments[0] = cost;
            for (var i = 0; i < checks.Length; i++)
            {
                var rate = checks[i].Quota.Rate;
                var telling = _memory.Take(IndexOf(checks[i].Quota), checks[i].Caller, now, carries);
                if (telling.Owed > 0)
                {
                    (owed ??= new long[checks.Length])[i] = telling.Owed;
                }

                keys[i] = KeyOf(checks[i]);
                arguments[(6 * i) + 1] = rate.Interval;
                arguments[(6 * i) + 2] = rate.Tolerance;
                arguments[(6 * i) + 3] = rate.Block;
                arguments[(6 * i) + 4] = telling.Backlog;
                arguments[(6 * i) + 5] = telling.Blocked;
                arguments[(6 * i) + 6] = telling.Owed;
            }

            return AnswerAsync(_redis!.EvaluateAsync(_script, keys.AsSpan(0, checks.Length), arguments.AsSpan(0, 1 + (6 * checks.Length))), memory, cost, now, owed);
        }
        catch (ObjectDisposedException)
        {
            return new(Insure(checks, cost, now));
        }
        finally
        {
            ArrayPool<RedisKey>.Shared.Return(keys, clearArray: true);
            ArrayPool<RedisArgument>.Shared.Return(arguments, clearArray: true);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<RateLimitDecision> AnswerAsync(ValueTask<RedisReply> answer, ReadOnlyMemory<QuotaCheck> checks, int cost, long asked, long[]? owed)
    {
        try
        {
            var reply = (await answer).Items;
            if (_gate.Succeeded())
            {
                LogBack(_log);
            }

            return Learn(checks.Span, reply.Span, asked);
        }
        catch (Exception e) when (e is RedisException or ObjectDisposedException)
        {
            if (_gate.Failed(Now))
            {
                LogAway(_log, e.Message);
            }

            for (var i = 0; i < owed?.Length; i++)
            {
                _memory.PutBack(IndexOf(checks.Span[i].Quota), checks.Span[i].Caller, owed[i]);
            }

            return Insure(checks.Span, cost, Now);
        }
    }

    // Counted from when it was asked: so this process never believes more than Redis has said.
    private RateLimitDecision Learn(ReadOnlySpan<QuotaCheck> checks, ReadOnlySpan<RedisReply> reply, long asked)
    {
        Span<GcraVerdict> verdicts = stackalloc GcraVerdict[checks.Length];
        for (var i = 0; i < checks.Length; i++)
        {
            var verdict = new GcraVerdict(reply[(3 * i) + 1].Integer, reply[(3 * i) + 2].Integer, reply[(3 * i) + 3].Integer);
            verdicts[i] = verdict;
            _memory.Learn(IndexOf(checks[i].Quota), checks[i].Caller, asked, verdict);
        }

        return Describe(checks, verdicts, reply[0].Integer == 1, DecisionSource.Redis);
    }

    private RateLimitDecision Insure(ReadOnlySpan<QuotaCheck> checks, int cost, long now)
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

            return Describe(checks, verdicts, allowed, DecisionSource.Insurance);
        }
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

    private RateLimitDecision Describe(ReadOnlySpan<QuotaCheck> checks, ReadOnlySpan<GcraVerdict> verdicts, bool allowed, DecisionSource source)
    {
        _counters.Decided(source, allowed);
        var states = new QuotaState[checks.Length];
        for (var i = 0; i < states.Length; i++)
        {
            var (quota, verdict) = (checks[i].Quota, verdicts[i]);
            states[i] = new QuotaState(
                quota,
                verdict.Remaining(source == DecisionSource.Insurance ? quota.InsuredRate : quota.Rate),
                TimeSpan.FromMicroseconds(verdict.Wait),
                TimeSpan.FromMicroseconds(Math.Max(verdict.Backlog, verdict.Blocked)));
            if (verdict.Wait > 0)
            {
                _counters.Refused(IndexOf(quota));
            }
        }

        return new RateLimitDecision(allowed, source, states);
    }

    private byte[] KeyOf(in QuotaCheck check)
    {
        Span<byte> caller = stackalloc byte[Caller.MaxLength];
        caller = caller[..check.Caller.WriteTo(caller)];
        var prefix = _prefixes[IndexOf(check.Quota)];
        var key = new byte[prefix.Length + caller.Length];
        prefix.CopyTo(key, 0);
        caller.CopyTo(key.AsSpan(prefix.Length));
        return key;
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

    [LoggerMessage(1, LogLevel.Warning, "Redis does not decide on rate limits; this process does so on its own until it does: {Reason}")]
    private static partial void LogAway(ILogger log, string reason);

    [LoggerMessage(2, LogLevel.Information, "Redis decides on rate limits again")]
    private static partial void LogBack(ILogger log);
}
