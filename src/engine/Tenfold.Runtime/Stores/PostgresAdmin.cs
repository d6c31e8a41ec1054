using System.Globalization;
using Npgsql;

namespace Tenfold.Runtime.Stores;

/// <summary>What the runtime does in a server as its superuser. Every connection is a new one: one that hangs is no one else's.</summary>
/// <param name="node">The server.</param>
internal sealed class PostgresAdmin(PostgresNode node)
{
    private const string SlotPattern = "tenfold\\_node\\_%";
    private static readonly TimeSpan PromotionLimit = TimeSpan.FromSeconds(30);

    /// <summary>Makes a standby the primary; nothing is done to one that is.</summary>
    /// <exception cref="NpgsqlException">It does not become one.</exception>
    public async Task BecomePrimaryAsync(CancellationToken cancel)
    {
        await using var connection = await OpenAsync(cancel);
        if (!await ValueAsync<bool>(connection, "SELECT pg_is_in_recovery()", cancel))
        {
            return;
        }

        if (!await ValueAsync<bool>(connection, $"SELECT pg_promote(true, {Text((int)PromotionLimit.TotalSeconds)})", cancel))
        {
            throw new RuntimeException(RuntimeFailure.Failed, $"store {node.Name}: it did not become the primary within {PromotionLimit.TotalSeconds:0} s");
        }
    }

    /// <summary>Makes the role and the database of the system unless they are there; sets the password to the one in the state folder.</summary>
    public async Task SetUpAsync(string system, string password, CancellationToken cancel)
    {
        await using var connection = await OpenAsync(cancel);
        var role = '"' + system + '"'; // letters, digits and dashes only
        var roleExists = await ValueAsync<bool>(connection, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", cancel, system);
        var databaseExists = await ValueAsync<bool>(connection, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", cancel, system);
        await RunAsync(connection, $"{(roleExists ? "ALTER" : "CREATE")} ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{password}'", cancel);
        // Reads statistics of every session: which timeline a replica follows, and what is slow, are among them.
        await RunAsync(connection, $"GRANT pg_monitor TO {role}", cancel);
        if (!databaseExists)
        {
            await RunAsync(connection, $"CREATE DATABASE {role} OWNER {role}", cancel);
        }
    }

    /// <summary>Makes the view that counts queries, in the database of the superuser: nothing of it is in the system's own.</summary>
    public async Task CountQueriesAsync(CancellationToken cancel)
    {
        await using var connection = await OpenAsync(cancel);
        await RunAsync(connection, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements", cancel);
    }

    /// <summary>Makes the slots that these servers are fed from, and drops those of servers that are no more.</summary>
    public async Task KeepSlotsAsync(IEnumerable<int> followers, CancellationToken cancel)
    {
        await using var connection = await OpenAsync(cancel);
        var wanted = followers.Select(DatabaseNames.Slot).ToArray();
        await RunAsync(
            connection,
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_type = 'physical' AND NOT active AND slot_name LIKE $1 AND NOT slot_name = ANY ($2)",
            cancel,
            SlotPattern,
            (object)wanted);
        await RunAsync(
            connection,
            "SELECT pg_create_physical_replication_slot(name, true) FROM unnest($1) AS wanted (name) WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = name)",
            cancel,
            (object)wanted);
    }

    /// <summary>A fresh slot, from now on: one that was outrun is of no use to a new copy.</summary>
    public async Task RenewSlotAsync(int follower, CancellationToken cancel)
    {
        await using var connection = await OpenAsync(cancel);
        await DropSlotAsync(connection, DatabaseNames.Slot(follower), cancel);
        await RunAsync(connection, "SELECT pg_create_physical_replication_slot($1, true)", cancel, DatabaseNames.Slot(follower));
    }

    /// <summary>Without it, the WAL that a replica which is no more has not fetched would be kept for it.</summary>
    public async Task DropSlotAsync(int follower, CancellationToken cancel)
    {
        await using var connection = await OpenAsync(cancel);
        await DropSlotAsync(connection, DatabaseNames.Slot(follower), cancel);
    }

    /// <summary>Sessions of applications that are in the middle of something.</summary>
    /// <returns>Null when it does not answer.</returns>
    public async Task<long?> ReadersAsync(string system, CancellationToken cancel)
    {
        try
        {
            await using var connection = await OpenAsync(cancel, commandSeconds: 5);
            return await ValueAsync<long>(
                connection,
                "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename = $1 AND state <> 'idle' AND application_name <> 'tenfold monitor'",
                cancel,
                system);
        }
        catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException)
        {
            return null;
        }
    }

    /// <summary>On a standby: slots of the time when it was the primary would hold back its WAL for nobody.</summary>
    public async Task DropSlotsAsync(CancellationToken cancel)
    {
        await using var connection = await OpenAsync(cancel);
        await RunAsync(connection, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active AND (slot_type = 'logical' OR slot_name LIKE $1)", cancel, SlotPattern);
    }

    /// <summary>Takes over the written configuration.</summary>
    public async Task ReloadAsync(CancellationToken cancel)
    {
        await using var connection = await OpenAsync(cancel);
        await RunAsync(connection, "SELECT pg_reload_conf()", cancel);
    }

    /// <summary>So that pg_rewind, which reads the control file, sees the new timeline (before PostgreSQL 16 it looks nowhere else).</summary>
    public async Task CheckpointAsync(CancellationToken cancel)
    {
        await using var connection = await OpenAsync(cancel, commandSeconds: 0);
        await RunAsync(connection, "CHECKPOINT", cancel);
    }

    /// <summary>The history of a primary's timeline, as PostgreSQL keeps it: a line for each earlier one, with the position at which it was left.</summary>
    public async Task<string> TimelineHistoryAsync(CancellationToken cancel)
    {
        await using var connection = await OpenAsync(cancel);
        return await ValueAsync<string>(
            connection,
            "SELECT pg_read_file('pg_wal/' || lpad(upper(to_hex(timeline_id)), 8, '0') || '.history') FROM pg_control_checkpoint()",
            cancel);
    }

    /// <summary>How the server is; null when it is ill.</summary>
    /// <remarks>Not to be cancelled: the driver would ask a server that hangs to cancel, and wait for its answer. It ends within half a minute.</remarks>
    public async Task<NodeProbe?> ProbeAsync()
    {
        try
        {
            await using var connection = await OpenAsync(CancellationToken.None, commandSeconds: 10);
            return await NodeProbe.ReadAsync(connection);
        }
        catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException)
        {
            return null;
        }
    }

    private async Task<NpgsqlConnection> OpenAsync(CancellationToken cancel, int commandSeconds = 60)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(node.AdminString())
        {
            Pooling = false,
            CommandTimeout = commandSeconds,
            CancellationTimeout = -1, // one that hangs does not answer a cancellation either
        }.ConnectionString);
        try
        {
            await connection.OpenAsync(cancel);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private static async Task DropSlotAsync(NpgsqlConnection connection, string slot, CancellationToken cancel)
    {
        await RunAsync(connection, "SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE slot_name = $1 AND active", cancel, slot);
        await RunAsync(connection, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1", cancel, slot);
    }

    private static async Task<T> ValueAsync<T>(NpgsqlConnection connection, string sql, CancellationToken cancel, params object[] values)
    {
        await using var command = Command(connection, sql, values);
        return (T)(await command.ExecuteScalarAsync(cancel))!;
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql, CancellationToken cancel, params object[] values)
    {
        await using var command = Command(connection, sql, values);
        await command.ExecuteNonQueryAsync(cancel);
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, object[] values)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return command;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
