namespace Tenfold.Runtime.Stores;

/// <summary>How to reach one database of a running PostgreSQL store: as the system's role, and as the superuser.</summary>
public sealed record DatabaseAccess
{
    /// <summary>The store's name in the guide.</summary>
    public required string Store { get; init; }

    /// <summary>Its number in the store, from 0.</summary>
    public required int Number { get; init; }

    /// <summary>What instances know it by: <c>main</c>, <c>main_1</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Npgsql's key-values, as instances get them, but without replicas that are yet to come.</summary>
    public required string ConnectionString { get; init; }

    /// <summary>
    /// Npgsql's key-values of the superuser in the same database on what is the primary now, over its Unix socket, without a
    /// password: for the user who runs the host, and for the servers among themselves (subscriptions). Commits do not wait for
    /// a replica.
    /// </summary>
    public required string AdminConnectionString { get; init; }
}
