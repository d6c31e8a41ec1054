using System.Text.Json;

namespace PaymentSimulator;

/// <summary>
/// Everything that the provider knows: in memory, and as lines of a file that is only appended to. A line is with the kernel before anybody is
/// told of it, so that a kill of the process loses nothing; a line that was being written then is cut off at the next start. Thread-safe.
/// </summary>
internal sealed class Ledger : IDisposable
{
    private readonly Lock _lock = new();
    private readonly FileStream _file;
    private readonly Dictionary<string, Intent> _intents = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Refund> _refunds = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<string>> _refundsOf = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Entry> _answers = new(StringComparer.Ordinal);
    private readonly HashSet<string> _inFlight = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Entry> _undelivered = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Name, string Value), List<string>> _byMetadata = [];

    /// <exception cref="InvalidDataException">A line in the middle of the file cannot be read.</exception>
    public Ledger(string file)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        _file = new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
        try
        {
            Replay(file);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>The newest settings that were kept; null when there are none.</summary>
    public Control? Control { get; private set; }

    /// <summary>Events that were not delivered when the last process ended.</summary>
    public IReadOnlyList<Entry> Undelivered()
    {
        lock (_lock)
        {
            return [.. _undelivered.Values];
        }
    }

    public Intent? FindIntent(string id)
    {
        lock (_lock)
        {
            return _intents.GetValueOrDefault(id);
        }
    }

    /// <summary>Of one intent, the newest first.</summary>
    public IReadOnlyList<Refund> FindRefunds(string intent)
    {
        lock (_lock)
        {
            return _refundsOf.TryGetValue(intent, out var ids) ? [.. ids.Select(id => _refunds[id]).Reverse()] : [];
        }
    }

    public IReadOnlyList<Intent> FindIntents(string name, string value)
    {
        lock (_lock)
        {
            return _byMetadata.TryGetValue((name, value), out var ids) ? [.. ids.Select(id => _intents[id])] : [];
        }
    }

    /// <param name="name">A field of the metadata; null for everything.</param>
    /// <param name="value">What it must be.</param>
    public LedgerView View(string? name, string? value)
    {
        lock (_lock)
        {
            IEnumerable<Intent> intents = name is null ? _intents.Values : FindIntents(name, value!);
            var charges = intents.Where(intent => intent.AmountReceived > 0).OrderBy(intent => intent.Created).ToList();
            var ids = charges.Select(charge => charge.Id).ToHashSet(StringComparer.Ordinal);
            return new LedgerView(charges, [.. _refunds.Values.Where(refund => ids.Contains(refund.PaymentIntent)).OrderBy(refund => refund.Created)]);
        }
    }

    /// <summary>Claims a key for a request.</summary>
    /// <returns>Nothing when it is the request's now; the answer that was given before; or the failure to answer with.</returns>
    public (Entry? Answered, (int Status, Failure Failure)? Refused) Claim(string key, string fingerprint)
    {
        lock (_lock)
        {
            if (_answers.TryGetValue(key, out var answered))
            {
                return answered.Fingerprint == fingerprint
                    ? (answered, null)
                    : (null, (400, new Failure("idempotency_error", null, $"The Idempotency-Key {key} was used with other parameters: use it for the same request only.")));
            }

            return _inFlight.Add(key) ? default : (null, (409, new Failure("idempotency_error", "idempotency_key_in_use", $"A request with the Idempotency-Key {key} is under way: repeat this one when that has ended.")));
        }
    }

    /// <summary>Gives a claimed key back; it stays taken when something was committed under it.</summary>
    public void Release(string key)
    {
        lock (_lock)
        {
            _inFlight.Remove(key);
        }
    }

    /// <summary>Makes something true: in the file, then in memory.</summary>
    /// <param name="decide">Makes the line of what is there, or throws; nothing else happens meanwhile.</param>
    public Entry Commit(Func<Entry> decide)
    {
        lock (_lock)
        {
            var entry = decide();
            var json = JsonSerializer.SerializeToUtf8Bytes(entry, SimulatorJson.Default.Entry);
            _file.Write([.. json, (byte)'\n']);
            Apply(entry);
            return entry;
        }
    }

    public void Dispose() => _file.Dispose();

    private void Apply(Entry entry)
    {
        if (entry.Intent is { } intent)
        {
            if (!_intents.ContainsKey(intent.Id))
            {
                foreach (var (name, value) in intent.Metadata)
                {
                    Add(_byMetadata, (name, value), intent.Id);
                }
            }

            _intents[intent.Id] = intent;
        }

        if (entry.Refund is { } refund)
        {
            _refunds[refund.Id] = refund;
            Add(_refundsOf, refund.PaymentIntent, refund.Id);
        }

        if (entry.Key is { } key)
        {
            _answers[key] = entry;
        }

        if (entry.EventId is { } id)
        {
            _undelivered[id] = entry;
        }

        if (entry.Delivered is { } delivered)
        {
            _undelivered.Remove(delivered);
        }

        Control = entry.Control ?? Control;
    }

    private static void Add<TKey>(Dictionary<TKey, List<string>> lists, TKey key, string id)
        where TKey : notnull
    {
        if (!lists.TryGetValue(key, out var ids))
        {
            lists[key] = ids = [];
        }

        ids.Add(id);
    }

    private void Replay(string name)
    {
        var bytes = new byte[_file.Length];
        _file.ReadExactly(bytes);
        var (at, number) = (0, 0);
        while (bytes.AsSpan(at).IndexOf((byte)'\n') is >= 0 and var length)
        {
            number++;
            try
            {
                Apply(JsonSerializer.Deserialize(bytes.AsSpan(at, length), SimulatorJson.Default.Entry)!);
            }
            catch (JsonException wrong)
            {
                throw new InvalidDataException($"{name} line {number} cannot be read: {wrong.Message} Move the file away to begin with an empty one.", wrong);
            }

            at += length + 1;
        }

        _file.SetLength(at);
        _file.Position = at;
    }
}
