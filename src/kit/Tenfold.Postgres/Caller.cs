namespace Tenfold.Postgres;

/// <summary>
/// On whose behalf reads and writes are made: a request, or a job. It remembers what it has written, so that it is never shown
/// anything older. Thread-safe.
/// </summary>
/// <remarks>The ASP.NET Core wiring makes one for each request and carries its tokens in a cookie; a job carries them itself.</remarks>
public sealed class Caller
{
    private readonly Lock _lock = new();
    private ReadToken[] _tokens;

    /// <param name="tokens">What the caller has written so far, as <see cref="Tokens"/> told.</param>
    public Caller(params IEnumerable<ReadToken> tokens) => _tokens = [.. tokens];

    /// <summary>How far each PostgreSQL must have come to serve this caller's reads.</summary>
    public IReadOnlyList<ReadToken> Tokens => _tokens;

    /// <summary>Reads from now on see at least this.</summary>
    public void Require(ReadToken token)
    {
        lock (_lock)
        {
            _tokens = [.. _tokens.Where(other => other.SystemId != token.SystemId || other.Timeline > token.Timeline || (other.Timeline == token.Timeline && other.Lsn > token.Lsn)), token];
        }
    }
}
