using Tenfold.Redis.Protocol;
using Tenfold.Redis.Tracking;

namespace Tenfold.Redis;

public sealed partial class RedisClient
{
    /// <summary>Tells the tracker about invalidations from now on, until the result is disposed.</summary>
    public IDisposable Track(IRedisTracker tracker)
    {
        ArgumentNullException.ThrowIfNull(tracker);
        _trackers.Add(tracker);
        return new Registration(_trackers, tracker);
    }

    /// <summary>
    /// Reads a key so that Redis tells when it changes: value and time to live of one moment, handed to
    /// <see cref="IRedisTracker.OnRead"/> before any invalidation of it can arrive. Redis forgets a key once it has told; read
    /// again to be told again. Give a tracker that was given to <see cref="Track"/>.
    /// </summary>
    /// <param name="key">Not to be changed until the tracker is done with it.</param>
    /// <param name="tracker">Where a local copy is kept.</param>
    /// <param name="cancel">Gives up the wait; the tracker is told nevertheless.</param>
    public ValueTask<TrackedValue> GetTrackedAsync(ReadOnlyMemory<byte> key, IRedisTracker tracker, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(tracker);
        var operation = Begin(SlotOf(key), TrackedRead.Answers, cancel);
        if (!operation.IsSettled)
        {
            operation.Tracker = tracker;
            operation.Key = key;
            operation.Command = new CommandBuffer(256);
            TrackedRead.Write(operation.Command, key.Span);
            _router.Send(operation);
        }

        return new ValueTask<TrackedValue>(operation, operation.Version);
    }

    private sealed class Registration(Trackers trackers, IRedisTracker tracker) : IDisposable
    {
        public void Dispose() => trackers.Remove(tracker);
    }
}
