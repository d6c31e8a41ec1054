namespace Tenfold.Postgres;

/// <summary>
/// On whose behalf reads and writes are made: a request, or a job. It remembers what it has written, so that it is never shown
/// anything older. Thread-safe.
/// </summary>
/// <remarks>The ASP.NET Core wiring makes one for each request and carries its tokens in a cookie or a header; a job carries them itself.</remarks>
public sealed class Caller
{
    /// <summary>Most tokens that are kept, one a PostgreSQL; of more, the ones least lately written are forgotten.</summary>
    public const int MostTokens = 32;

    private readonly Lock _lock = new();
    private ReadToken[] _tokens = [];
    private PostgresStore[] _writing = [];

    /// <param name="tokens">What the caller has written so far, as <see cref="Tokens"/> told.</param>
    public Caller(params IEnumerable<ReadToken> tokens)
    {
        foreach (var token in tokens)
        {
            Require(token);
        }
    }

    /// <summary>
    /// Reads see everything that was committed, by anybody, before they began: for what is kept for others, such as a cache, and was
    /// invalidated by somebody else. The primary is asked for its position, a replica that has reached it serves the read. Default false.
    /// </summary>
    public bool SeesEverything { get; init; }

    /// <summary>How far each PostgreSQL must have come to serve this caller's reads, the latest written last.</summary>
    public IReadOnlyList<ReadToken> Tokens => Volatile.Read(ref _tokens);

    /// <summary>Whether something may have been written whose token is not taken yet: <see cref="TakeTokensAsync"/>.</summary>
    public bool IsWriting => Volatile.Read(ref _writing).Length > 0;

    /// <summary>Reads from now on see at least this.</summary>
    public void Require(ReadToken token)
    {
        lock (_lock)
        {
            var others = _tokens.Where(other => other.SystemId != token.SystemId).TakeLast(MostTokens - 1);
            var known = _tokens.FirstOrDefault(other => other.SystemId == token.SystemId);
            var later = known.Timeline > token.Timeline || (known.Timeline == token.Timeline && known.Lsn > token.Lsn) ? known : token;
            _tokens = [.. others, later];
        }
    }

    /// <summary>
    /// Takes the tokens of what was written through <see cref="PostgresStore.Writer"/> or <see cref="PostgresStore.OpenWriterAsync"/>: call it
    /// after the commits and before <see cref="Tokens"/> are handed on. A primary that cannot tell its position leaves a token
    /// that only a primary can serve.
    /// </summary>
    /// <param name="cancel">Ends the wait.</param>
    public async ValueTask TakeTokensAsync(CancellationToken cancel)
    {
        foreach (var store in Volatile.Read(ref _writing))
        {
            var token = await store.TokenOrPrimaryAsync(cancel);
            lock (_lock)
            {
                _writing = [.. _writing.Where(other => other != store)];
            }

            Require(token);
        }
    }

    /// <summary>One that reads as this one does, and sees at least this; the caller itself does not remember it.</summary>
    internal static Caller AtLeast(Caller? caller, ReadToken token)
    {
        if (caller?.Need(token.SystemId) is { } need && (need.Timeline > token.Timeline || (need.Timeline == token.Timeline && need.Lsn >= token.Lsn)))
        {
            return caller;
        }

        var reading = new Caller(caller?.Tokens ?? []) { SeesEverything = caller?.SeesEverything ?? false, _writing = caller is null ? [] : Volatile.Read(ref caller._writing) };
        reading.Require(token);
        return reading;
    }

    internal void Writes(PostgresStore store)
    {
        if (Array.IndexOf(Volatile.Read(ref _writing), store) < 0)
        {
            lock (_lock)
            {
                _writing = [.. _writing.Where(other => other != store), store];
            }
        }
    }

    /// <summary>A write of this caller has its token: reads need no longer go to the primary on its account.</summary>
    internal void Written(PostgresStore store, ReadToken? token, bool wasWriting)
    {
        if (token is { } taken)
        {
            Require(taken);
        }

        if (!wasWriting)
        {
            lock (_lock)
            {
                _writing = [.. _writing.Where(other => other != store)];
            }
        }
    }

    internal bool Writing(PostgresStore store) => Array.IndexOf(Volatile.Read(ref _writing), store) >= 0;

    /// <summary>The token for this cluster; null when nothing was written there.</summary>
    internal ReadToken? Need(ulong systemId)
    {
        foreach (ref readonly var token in Volatile.Read(ref _tokens).AsSpan())
        {
            if (token.SystemId == systemId || token.SystemId == 0)
            {
                return token;
            }
        }

        return null;
    }
}
