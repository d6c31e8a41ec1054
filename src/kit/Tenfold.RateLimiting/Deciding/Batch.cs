using System.Runtime.CompilerServices;
using Tenfold.Redis;

namespace Tenfold.RateLimiting.Deciding;

/// <summary>
/// Questions that are decided in one round trip, one after the other. Filled by whoever asks, under the combiner's lock; then
/// by one thread at a time, until its callers are told: that is done by whoever is free.
/// </summary>
internal sealed class Batch : IThreadPoolWorkItem
{
    private const int Look = 4; // callers told between two looks at the clock
    private const long Slice = 200; // microseconds

    private readonly Combiner _combiner;
    private readonly Action _answered;
    private readonly Question[] _questions = new Question[Combiner.MostChecks];
    private readonly QuotaCheck[] _asked = new QuotaCheck[Combiner.MostChecks]; // one a key
    private readonly RedisKey[] _keys = new RedisKey[Combiner.MostChecks];
    private readonly byte[] _numbers = new byte[PackedNumbers.HeadLength + (Combiner.MostChecks * 9 * PackedNumbers.MaxLength)];
    private readonly byte[] _names;
    private readonly long[] _owed = new long[Combiner.MostChecks];
    private ValueTaskAwaiter<RedisReply> _answer;
    private int _count;
    private int _told;
    private int _tellers = 1; // threads at it or on their way; the first has its place from the beginning
    private int _seen = -1;

    /// <param name="combiner">Its owner.</param>
    /// <param name="longestKey">Bytes that a key has at most.</param>
    public Batch(Combiner combiner, int longestKey)
    {
        _combiner = combiner;
        _names = new byte[longestKey * Combiner.MostChecks];
        _answered = () => _combiner.Answered(this);
    }

    /// <summary>In the order in which they are decided.</summary>
    public ReadOnlySpan<Question> Questions => _questions.AsSpan(0, _count);

    /// <summary>Limits that are asked about, those of all questions.</summary>
    public int Checks { get; private set; }

    /// <summary>When it was sent, microseconds.</summary>
    public long Sent { get; private set; }

    /// <summary>Whether it finds out if Redis is back.</summary>
    public bool IsTrial { get; private set; }

    /// <summary>Whether others may leave; under the combiner's lock.</summary>
    public bool IsReleased { get; set; }

    /// <summary>What Redis was told that insurance had let through, one a check.</summary>
    public Span<long> Owed => _owed.AsSpan(0, Checks);

    /// <summary>Empties it.</summary>
    public void Clear()
    {
        _questions.AsSpan(0, _count).Clear();
        _owed.AsSpan(0, Checks).Clear();
        (_tellers, _count, _told, _seen, Checks, IsTrial, IsReleased, _answer) = (1, 0, 0, -1, 0, false, false, default);
    }

    public void Add(Question question, bool isTrial)
    {
        IsTrial |= isTrial;
        _questions[_count++] = question;
        Checks += question.Checks.Length;
    }

    /// <summary>Asks Redis; the combiner hears of the answer.</summary>
    /// <exception cref="RedisException">It cannot be asked.</exception>
    public void Send(RedisClient redis, RedisScript script, LocalDecider local, long now, bool carries)
    {
        Sent = now;
        var numbers = _numbers.AsSpan();
        var length = PackedNumbers.WriteHead(numbers, (2 * _count) + (7 * Checks));
        var (check, keys, end) = (0, 0, 0);
        foreach (var question in Questions)
        {
            var checks = question.Checks.Span;
            length += PackedNumbers.Write(numbers[length..], checks.Length);
            length += PackedNumbers.Write(numbers[length..], question.Cost);
            foreach (ref readonly var one in checks)
            {
                var rate = one.Quota.Rate;
                var telling = local.Tell(one, now, carries && question.Cost > 0);
                var key = Find(one, keys);
                if (key == keys)
                {
                    var size = local.WriteKey(one, _names.AsSpan(end));
                    (_asked[key], _keys[key]) = (one, new RedisKey(_names.AsMemory(end, size)));
                    (keys, end) = (keys + 1, end + size);
                }

                length += PackedNumbers.Write(numbers[length..], key + 1);
                length += PackedNumbers.Write(numbers[length..], rate.Interval);
                length += PackedNumbers.Write(numbers[length..], rate.Tolerance);
                length += PackedNumbers.Write(numbers[length..], rate.Block);
                length += PackedNumbers.Write(numbers[length..], telling.Backlog);
                length += PackedNumbers.Write(numbers[length..], telling.Blocked);
                length += PackedNumbers.Write(numbers[length..], telling.Owed);
                _owed[check++] = telling.Owed;
            }
        }

        WaitFor(redis.EvaluateAsync(script, _keys.AsSpan(0, keys), [new RedisArgument(_numbers.AsMemory(0, length))]));
    }

    /// <summary>What Redis said.</summary>
    /// <exception cref="RedisException">It said nothing, or an error.</exception>
    public ReadOnlySpan<byte> Answer() => _answer.GetResult().Bytes;

    /// <summary>
    /// Tells the callers, whose code goes on in here; what they ask meanwhile leaves together. Where that takes long, another
    /// thread is asked to help; where it blocks, <see cref="Rescue"/> sees to it.
    /// </summary>
    public void Tell()
    {
        var since = _combiner.Now;
        var helped = false;
        for (int next; (next = Interlocked.Increment(ref _told) - 1) < _count;)
        {
            _questions[next].Publish();
            if (!helped && next % Look == Look - 1 && _combiner.Now - since > Slice)
            {
                helped = true;
                GetHelp();
            }
        }

        _combiner.Release(this);
        if (Interlocked.Decrement(ref _tellers) == 0)
        {
            _combiner.Return(this);
        }
    }

    /// <summary>Gets a thread to go on with it if nobody has been told since the last call.</summary>
    public void Rescue()
    {
        var told = Volatile.Read(ref _told);
        if (told == _seen && told < _count)
        {
            GetHelp();
        }

        _seen = told;
    }

    void IThreadPoolWorkItem.Execute()
    {
        _combiner.Release(this);
        Tell();
    }

    private void GetHelp()
    {
        Interlocked.Increment(ref _tellers);
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private int Find(in QuotaCheck check, int keys)
    {
        for (var i = 0; i < keys; i++)
        {
            if (_asked[i].Caller == check.Caller && ReferenceEquals(_asked[i].Quota, check.Quota))
            {
                return i;
            }
        }

        return keys;
    }

    private void WaitFor(ValueTask<RedisReply> answer)
    {
        _answer = answer.GetAwaiter();
        if (_answer.IsCompleted)
        {
            _answered();
        }
        else
        {
            _answer.UnsafeOnCompleted(_answered);
        }
    }
}
