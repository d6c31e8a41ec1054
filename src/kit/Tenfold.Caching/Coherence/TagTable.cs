using System.Collections.Concurrent;

namespace Tenfold.Caching.Coherence;

/// <summary>
/// The tags that entries of this node stand under. Bounded: when full, those are forgotten that no entry in memory stands under;
/// if that is not enough, all of them, and with them go the entries. Thread-safe.
/// </summary>
internal sealed class TagTable(int most, bool local, Func<IReadOnlySet<TagState>> inUse)
{
    /// <summary>On every entry, so that everything can be invalidated at once; <see cref="Microsoft.Extensions.Caching.Hybrid.HybridCache"/> calls it so too.</summary>
    public const string All = "*";

    private readonly ConcurrentDictionary<string, TagState> _states = new(StringComparer.Ordinal);
    private int _count; // the dictionary's own takes all its locks

    /// <summary>The tag's state; known from the start when there is no server to ask.</summary>
    public TagState Of(string name)
    {
        if (_states.TryGetValue(name, out var state))
        {
            return state;
        }

        if (Volatile.Read(ref _count) >= most)
        {
            Forget(inUse());
            if (Volatile.Read(ref _count) > most - (most / 8))
            {
                Forget(new HashSet<TagState>());
            }
        }

        var made = new TagState(name) { Generation = local ? 1 : TagState.Unknown };
        state = _states.GetOrAdd(name, made);
        if (ReferenceEquals(state, made))
        {
            Interlocked.Increment(ref _count);
        }

        return state;
    }

    public bool TryGet(string name, out TagState? state) => _states.TryGetValue(name, out state);

    /// <summary>The connection that told about changes is gone.</summary>
    public void ForgetGenerations()
    {
        foreach (var (_, state) in _states)
        {
            state.Generation = TagState.Unknown;
        }
    }

    /// <summary>Names of a call and its policy, each once, with <see cref="All"/> first.</summary>
    /// <exception cref="ArgumentException">A tag is empty, or there are too many.</exception>
    public static string[] Names(IReadOnlyList<string> policy, IEnumerable<string>? call)
    {
        var names = new List<string>(4) { All };
        foreach (var tag in policy)
        {
            Add(tag);
        }

        foreach (var tag in call ?? [])
        {
            Add(tag);
        }

        return names.Count <= Entries.EntryFormat.MostTags
            ? [.. names]
            : throw new ArgumentException($"An entry has {names.Count - 1} tags; allowed: at most {Entries.EntryFormat.MostTags - 1}.", nameof(call));

        void Add(string tag)
        {
            if (string.IsNullOrEmpty(tag))
            {
                throw new ArgumentException("A tag is empty; give it at least one character.", nameof(call));
            }

            var name = Entries.KeyNames.Of(tag);
            if (!names.Contains(name))
            {
                names.Add(name);
            }
        }
    }

    private void Forget(IReadOnlySet<TagState> except)
    {
        foreach (var one in _states)
        {
            // An entry that gets hold of the state all the same is read again under the new one.
            if (!except.Contains(one.Value) && _states.TryRemove(one))
            {
                one.Value.Retire();
                Interlocked.Decrement(ref _count);
            }
        }
    }
}
