using System.Globalization;
using System.Text;

namespace Tenfold.Runtime.Stores;

/// <summary>The configuration files of a private PostgreSQL, written anew before each start.</summary>
internal static class PostgresSettings
{
    /// <summary>The cluster's superuser. Not a system's name, since it holds an underscore; only the host's user gets in as it.</summary>
    public const string Admin = "tenfold_admin";

    /// <summary>postgresql.conf.</summary>
    public static string Server(PostgresPlaces places, int port, int connections, long sharedBuffers, long machineMemory, bool durable, bool countQueries)
    {
        var text = new StringBuilder("# Written by tenfold before each start: changes are lost.\n");
        Add("data_directory", places.Data);
        Add("hba_file", places.Access);
        Add("ident_file", places.Identities);
        Add("unix_socket_directories", places.Socket);
        Add("listen_addresses", "127.0.0.1");
        Add("port", Number(port));
        Add("max_connections", Number(connections));
        Add("superuser_reserved_connections", "3");
        Add("password_encryption", "scram-sha-256");

        Add("shared_buffers", Kilobytes(Math.Max(sharedBuffers, 1 << 20)));
        Add("effective_cache_size", Kilobytes(Math.Max(machineMemory / 2, sharedBuffers)));
        Add("maintenance_work_mem", Kilobytes(Math.Clamp(sharedBuffers / 2, 64L << 20, 512L << 20)));
        Add("work_mem", "8MB");
        Add("jit", "off"); // its compile time is more than short queries take
        Add("random_page_cost", "1.1"); // no spinning disk
        Add("effective_io_concurrency", "64");

        if (countQueries)
        {
            Add("shared_preload_libraries", "pg_stat_statements"); // for 'tenfold queries'
            Add("pg_stat_statements.max", "2000");
            Add("pg_stat_statements.track_utility", "off");
        }

        Add("synchronous_commit", "on");
        Add("fsync", durable ? "on" : "off");
        Add("full_page_writes", durable ? "on" : "off");
        Add("max_wal_size", "1GB");
        Add("checkpoint_timeout", "10min");
        Add("checkpoint_completion_target", "0.9");

        Add("logging_collector", "off"); // the host reads stderr
        Add("log_destination", "stderr");
        Add("log_line_prefix", "[%p] %q%u@%d ");
        Add("log_min_messages", "warning");
        Add("log_lock_waits", "on");
        Add("log_checkpoints", "off");
        Add("lc_messages", "C");
        Add("timezone", "UTC");
        Add("log_timezone", "UTC");
        Add("cluster_name", places.Name);
        return text.ToString();

        void Add(string key, string value) => text.Append(CultureInfo.InvariantCulture, $"{key} = '{value.Replace("'", "''", StringComparison.Ordinal)}'\n");
    }

    /// <summary>
    /// What replication needs on top; the same on every server of a store, since each may become the primary, but for whom it
    /// follows. <c>wal_level</c> is logical everywhere, so that a store can be given more databases without a restart.
    /// </summary>
    public static string Replication(NodeRole role, ServerFloors floors, long freeDisk)
    {
        var text = new StringBuilder();
        Add("wal_level", "logical");
        Add("max_wal_senders", Number(Math.Max(30, floors.WalSenders)));
        Add("max_replication_slots", "30");
        Add("max_worker_processes", Number(Math.Max(24, floors.WorkerProcesses)));
        Add("max_logical_replication_workers", "12");
        Add("wal_keep_size", Kilobytes(256L << 20));
        // A replica or a moved bucket that is not fetched for long must not fill the disk: it is copied anew then.
        Add("max_slot_wal_keep_size", Kilobytes(Math.Clamp(freeDisk / 4, 512L << 20, 8L << 30)));
        Add("wal_sender_timeout", "10s");
        Add("wal_receiver_timeout", "10s");
        Add("wal_receiver_status_interval", "1s");
        Add("wal_retrieve_retry_interval", "200ms");
        Add("max_standby_streaming_delay", "5s");
        Add("synchronous_standby_names", role.SynchronousNames.Count == 0 ? "" : $"ANY 1 ({string.Join(", ", role.SynchronousNames.Select(name => $"\"{name}\""))})");
        Add("primary_conninfo", role.Follows is { } primary
            ? $"host='{primary.Socket}' port={Number(primary.Port)} user={Admin} application_name='{role.Name}'"
            : "");
        Add("primary_slot_name", role.Follows is null ? "" : role.Slot);
        Add("tenfold.leaving", role.IsLeaving ? "on" : "off"); // apps look at it, and read elsewhere
        return text.ToString();

        void Add(string key, string value) => text.Append(CultureInfo.InvariantCulture, $"{key} = '{value.Replace("'", "''", StringComparison.Ordinal)}'\n");
    }

    /// <summary>
    /// pg_hba.conf: over the socket, the host's user and the servers' own (who copies from one another) are the superuser,
    /// everyone else needs a password.
    /// </summary>
    public const string Access =
        $"""
        # Written by tenfold before each start: changes are lost.
        local all,replication {Admin} peer map=tenfold
        local all all scram-sha-256
        host  all {Admin} all reject
        host  all all 127.0.0.1/32 scram-sha-256

        """;

    /// <summary>pg_ident.conf: which users of this machine are the superuser.</summary>
    public static string Identities(params IEnumerable<string> users) => string.Concat(users.Distinct().Select(user => $"tenfold \"{user}\" {Admin}\n"));

    private static string Number(int n) => n.ToString(CultureInfo.InvariantCulture);

    private static string Kilobytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes >> 10}kB");
}

/// <summary>What a server is at its next start.</summary>
/// <param name="Name">Its name; the primary knows it by this.</param>
/// <param name="Slot">The slot that it is fed from.</param>
/// <param name="Follows">The primary; null when it is that itself.</param>
/// <param name="SynchronousNames">Of a primary: the replicas of which one must have each commit; empty when none is waited for.</param>
/// <param name="Followers">Of a primary: its replicas, by index.</param>
/// <param name="IsLeaving">Of a replica: it is to be read from no more.</param>
internal sealed record NodeRole(string Name, string Slot, ServerAddress? Follows, IReadOnlyList<string> SynchronousNames, IReadOnlyList<int> Followers, bool IsLeaving = false);

/// <summary>Where a server is reached on this machine.</summary>
internal sealed record ServerAddress(string Socket, int Port);

/// <summary>Settings that must not be lower on a standby than they were on its primary: it would refuse to start.</summary>
internal sealed record ServerFloors(int Connections, int WalSenders, int WorkerProcesses);

/// <summary>Where a private PostgreSQL keeps what.</summary>
internal sealed record PostgresPlaces(string Name, string Data, string Socket, string Access, string Identities);
