using Tenfold.Caching.Entries;
using Tenfold.Redis;

namespace Tenfold.Caching.Coherence;

/// <summary>
/// Keeps memory as Redis says: called by the loop that reads the connection, in the order in which Redis sent things, and the
/// only one that puts what Redis holds into memory. A value can therefore never get in after the news that it has changed.
/// </summary>
internal sealed class MemoryTracker(CacheState state, CacheOptions options, Action lost) : IRedisTracker
{
    /// <inheritdoc/>
    public void OnRead(ReadOnlyMemory<byte> key, byte[]? value, TimeSpan? timeToLive)
    {
        if (!state.Keys.TryParse(key.Span, out var partition, out var name))
        {
            return;
        }

        if (partition is null)
        {
            if (state.Tags.TryGet(name, out var tag))
            {
                tag!.Generation = TagGenerations.Of(value);
            }

            return;
        }

        if (!state.Regions.TryGetValue(partition, out var region))
        {
            return;
        }

        // Not before Redis knows all that this node has invalidated.
        var image = value is null || !state.Journal.IsOpen ? null : EntryFormat.Read(value);
        if (image is null || image.IsOverdue(timeToLive))
        {
            region.Memory.Remove(name);
            return;
        }

        var entry = state.Build(image, region.Policy, timeToLive, state.Clock.Now, state.Lease.Epoch);
        if (region.Memory.TryGet(name, out var before) && before.Version.SequenceEqual(entry.Version))
        {
            (entry.Shared, entry.RetryAt) = (before.Shared, before.RetryAt);
        }

        region.Memory.Put(name, entry);
    }

    /// <inheritdoc/>
    public void OnInvalidated(ReadOnlySpan<byte> key)
    {
        if (!options.Coherent || !state.Keys.TryParse(key, out var partition, out var name))
        {
            return;
        }

        if (partition is null)
        {
            if (state.Tags.TryGet(name, out var tag))
            {
                tag!.Generation = Coherence.TagState.Unknown;
            }
        }
        else if (state.Regions.TryGetValue(partition, out var region))
        {
            region.Memory.Remove(name);
            if (region.Flights.TryGetValue(name, out var flight))
            {
                flight.Wake();
            }
        }
    }

    /// <inheritdoc/>
    public void OnInvalidatedAll()
    {
        if (options.Coherent)
        {
            state.Lease.EndEpoch(); // first: who opens the gate at this moment looks at it
            state.Journal.Close();
            state.Tags.ForgetGenerations();
            state.Memory.Clear();
        }
        else
        {
            state.Journal.Close();
        }

        lost();
    }
}
