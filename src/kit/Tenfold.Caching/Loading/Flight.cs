using Tenfold.Caching.Entries;

namespace Tenfold.Caching.Loading;

/// <summary>Where an answer came from.</summary>
internal enum Source
{
    Memory,
    Redis,
    Load,
    Stale,
}

/// <summary>An answer and when it was known to be right: a read may use it when that is not longer ago than the bound on propagation.</summary>
internal readonly record struct Answer(CacheEntry Entry, long RightAt, Source Source)
{
    /// <summary>An invalidation overtook the load: nobody may use it.</summary>
    public bool IsOvertaken => RightAt == long.MinValue;
}

/// <summary>One read of a key by this process that everybody who asks meanwhile waits for. It ends early when all of them have left.</summary>
#pragma warning disable CA1001 // The token source has no timer and no link: nothing to dispose of.
internal sealed class Flight
#pragma warning restore CA1001
{
    private readonly TaskCompletionSource<Answer> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _abandoned = new();
    private readonly Lock _lock = new();
    private TaskCompletionSource _wake = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _waiting;
    private bool _ended;
    private volatile bool _overtaken;

    public Task<Answer> Done => _done.Task;

    /// <summary>Cancelled when nobody waits any more.</summary>
    public CancellationToken Abandoned => _abandoned.Token;

    /// <summary>This node invalidated the key, or a tag, since the flight began.</summary>
    public bool Overtaken
    {
        get => _overtaken;
        set => _overtaken = value;
    }

    /// <summary>An expired value that may stand in, and when it was right.</summary>
    public Answer? Stale { get; set; }

    /// <summary>False when the flight is being abandoned: start another one.</summary>
    public bool TryJoin()
    {
        lock (_lock)
        {
            if (_ended || _overtaken)
            {
                return false;
            }

            _waiting++;
            return true;
        }
    }

    public void Leave()
    {
        lock (_lock)
        {
            if (--_waiting > 0 || _ended)
            {
                return;
            }

            _ended = true;
        }

        _abandoned.Cancel();
    }

    public void Land(Answer answer) => End(() => _done.TrySetResult(answer));

    public void Fail(Exception exception) => End(() =>
    {
        _done.TrySetException(exception);
        _ = _done.Task.Exception; // seen, also when everybody has left
    });

    /// <summary>The server says that something happened to the key.</summary>
    public void Wake() => Volatile.Read(ref _wake).TrySetResult();

    /// <summary>Waits for <see cref="Wake"/>, for at most <paramref name="most"/>.</summary>
    public async Task WaitAsync(TimeSpan most, TimeProvider time, CancellationToken cancel)
    {
        try
        {
            await Volatile.Read(ref _wake).Task.WaitAsync(most, time, cancel);
            Volatile.Write(ref _wake, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        catch (TimeoutException)
        {
            // Looked at again all the same.
        }
    }

    private void End(Action complete)
    {
        lock (_lock)
        {
            _ended = true;
        }

        complete();
    }
}
