using Microsoft.Extensions.Logging;
using Tenfold.Redis;

namespace Tenfold.RateLimiting.Deciding;

/// <summary>
/// Asks Redis, with as few round trips as it can without making anybody wait for company: a question that comes when no other
/// is under way leaves at once; those that come meanwhile leave together, when the answer comes, when they are many, or when
/// the one under way has been so for a millisecond. Each is decided by itself, one after the other. Thread-safe.
/// </summary>
internal sealed partial class Combiner : IDisposable
{
    /// <summary>Limits that one round trip asks about; Redis does nothing else meanwhile, some 0.2 ms.</summary>
    public const int MostChecks = 64;

    private const long LongUnderWay = 1000; // microseconds
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(50);

    private const int MostKept = 256; // questions, to use again

    private readonly Lock _gate = new();
    private readonly RedisScript _script = new(LimitScript.Text);
    private readonly Stack<Question> _questions = [];
    private readonly Stack<Batch> _batches = [];
    private readonly List<Batch> _telling = [];
    private readonly ITimer _timer;
    private readonly RedisClient _redis;
    private readonly LocalDecider _local;
    private readonly RedisGate _circuit;
    private readonly ILogger _log;
    private Batch? _gathering;
    private int _underWay;
    private long _lastSent;

    public Combiner(RedisClient redis, LocalDecider local, RedisGate circuit, TimeProvider time, ILogger log)
    {
        (_redis, _local, _circuit, _log) = (redis, local, circuit, log);
        _timer = time.CreateTimer(static self => ((Combiner)self!).Beat(), this, Period, Period);
    }

    public long Now => _local.Now;

    public ValueTask<RateLimitDecision> AskAsync(ReadOnlyMemory<QuotaCheck> checks, int cost, long now, bool isTrial)
    {
        Batch? full = null;
        Batch? ready = null;
        ValueTask<RateLimitDecision> task;
        lock (_gate)
        {
            var question = _questions.TryPop(out var used) ? used : new Question(this);
            question.Begin(checks, cost);
            task = question.Task();
            if (_gathering?.Checks + checks.Length > MostChecks)
            {
                full = Leave(now);
            }

            _gathering ??= _batches.TryPop(out var free) ? free : new Batch(this, _local.LongestKey);
            _gathering.Add(question, isTrial);
            ready = MayLeave(now) ? Leave(now) : null;
        }

        Send(full, now);
        Send(ready, now);
        return task;
    }

    /// <summary>A batch has its answer, or will have none.</summary>
    public void Answered(Batch batch)
    {
        try
        {
            _local.Learn(batch);
            if (_circuit.Succeeded())
            {
                LogBack(_log);
            }
        }
#pragma warning disable CA1031 // Whatever it is, no request fails because of a limit.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Insure(batch, e);
        }

        Tell(batch);
    }

    /// <summary>The callers of a batch have been told and had their chance to ask again, or it takes them long: what has gathered leaves.</summary>
    public void Release(Batch batch)
    {
        var now = Now;
        Batch? next;
        lock (_gate)
        {
            if (batch.IsReleased)
            {
                return;
            }

            batch.IsReleased = true;
            _underWay--;
            next = MayLeave(now) ? Leave(now) : null;
        }

        Send(next, now);
    }

    public void Return(Question question)
    {
        lock (_gate)
        {
            if (_questions.Count < MostKept)
            {
                _questions.Push(question);
            }
        }
    }

    public void Return(Batch batch)
    {
        lock (_gate)
        {
            batch.Clear();
            _telling.Remove(batch);
            _batches.Push(batch);
        }
    }

    public void Dispose() => _timer.Dispose();

    // What waits behind callers' code that blocks, and nobody comes to see to it.
    private void Beat()
    {
        var now = Now;
        Batch? next;
        lock (_gate)
        {
            foreach (var batch in _telling)
            {
                batch.Rescue();
            }

            next = MayLeave(now) ? Leave(now) : null;
        }

        Send(next, now);
    }

    private bool MayLeave(long now) => _gathering is not null && (_underWay == 0 || now - _lastSent > LongUnderWay);

    private Batch Leave(long now)
    {
        var batch = _gathering!;
        _gathering = null;
        _underWay++;
        _lastSent = now;
        return batch;
    }

    private void Send(Batch? batch, long now)
    {
        if (batch is null)
        {
            return;
        }

        if (_circuit.IsClosed && !batch.IsTrial)
        {
            _local.Insure(batch, now);
            Tell(batch);
            return;
        }

        try
        {
            _local.Counters.Asked();
            // One that tries whether Redis is back carries nothing that would count twice if it were not.
            batch.Send(_redis, _script, _local, now, carries: !_circuit.IsClosed);
        }
#pragma warning disable CA1031 // Whatever it is, no request fails because of a limit.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Insure(batch, e);
            Tell(batch);
        }
    }

    private void Insure(Batch batch, Exception reason)
    {
        var now = Now;
        if (_circuit.Failed(now))
        {
            LogAway(_log, reason.Message);
        }

        _local.Insure(batch, now);
    }

    private void Tell(Batch batch)
    {
        lock (_gate)
        {
            _telling.Add(batch);
        }

        batch.Tell();
    }

    [LoggerMessage(1, LogLevel.Warning, "Redis does not decide on rate limits; this process does so on its own until it does: {Reason}")]
    private static partial void LogAway(ILogger log, string reason);

    [LoggerMessage(2, LogLevel.Information, "Redis decides on rate limits again")]
    private static partial void LogBack(ILogger log);
}
