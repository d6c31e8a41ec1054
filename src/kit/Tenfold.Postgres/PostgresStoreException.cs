namespace Tenfold.Postgres;

/// <summary>What went wrong between the app and a store's servers.</summary>
public enum PostgresFailure
{
    /// <summary>No connection became free within the wait. Nothing was sent.</summary>
    Busy,

    /// <summary>No server of the store is a primary that can be reached. Nothing was executed.</summary>
    NoPrimary,

    /// <summary>The connection was lost while a transaction was being committed: it may be committed or not. Ask before doing it again.</summary>
    Unknown,

    /// <summary>The pooler's database for readers is not read-only, so that a reader could write. Nothing was sent.</summary>
    UnguardedReader,

    /// <summary>Code that got a reader sent a write. Nothing was written; take the writer.</summary>
    WriteThroughReader,
}

/// <summary>A store could not do what was asked; what PostgreSQL itself refuses stays an <see cref="Npgsql.PostgresException"/>.</summary>
public sealed class PostgresStoreException(PostgresFailure failure, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What kind of failure.</summary>
    public PostgresFailure Failure => failure;
}
