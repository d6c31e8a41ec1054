namespace Tenfold.Postgres;

/// <summary>How a store is reached. Immutable; resolved by whoever makes the store.</summary>
public sealed record PostgresOptions
{
    /// <summary>The store's name, in metrics, logs and errors.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// Npgsql's key-values. <c>Host</c> may name several servers (<c>a:5432,b:5432</c>, also folders of Unix sockets,
    /// <c>/run/a:5432,/run/b:5433</c>): a primary and its replicas, in any order; their roles are found by asking each one.
    /// </summary>
    public required string ConnectionString { get; init; }
}
