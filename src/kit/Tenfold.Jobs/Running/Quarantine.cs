namespace Tenfold.Jobs.Running;

/// <summary>
/// Jobs with which a worker has died before begin one at a time in a process, so that a further death tells which one it was: after one death a job
/// is alone with others of its sort for some seconds, after two for as long as it runs. Thread-safe.
/// </summary>
internal sealed class Quarantine(TimeProvider time) : IDisposable
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _once = new(1);
    private readonly SemaphoreSlim _twice = new(1);

    /// <summary>Waits for its turn. Dispose of the result when the job has ended.</summary>
    public async Task<IDisposable> EnterAsync(int deaths, CancellationToken cancel)
    {
        var room = deaths == 1 ? _once : _twice;
        await room.WaitAsync(cancel);
        return new Stay(room, deaths == 1 ? First : Timeout.InfiniteTimeSpan, time);
    }

    public void Dispose()
    {
        _once.Dispose();
        _twice.Dispose();
    }

    private sealed class Stay : IDisposable
    {
        private readonly ITimer _timer;
        private SemaphoreSlim? _room;

        public Stay(SemaphoreSlim room, TimeSpan limit, TimeProvider time)
        {
            _room = room;
            _timer = time.CreateTimer(static stay => ((Stay)stay!).Leave(), this, limit, Timeout.InfiniteTimeSpan);
        }

        public void Dispose()
        {
            _timer.Dispose();
            Leave();
        }

        private void Leave() => Interlocked.Exchange(ref _room, null)?.Release();
    }
}
