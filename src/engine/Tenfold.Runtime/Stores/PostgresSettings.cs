using System.Globalization;
using System.Text;

namespace Tenfold.Runtime.Stores;

/// <summary>The configuration files of a private PostgreSQL, written anew before each start.</summary>
internal static class PostgresSettings
{
    /// <summary>The cluster's superuser. Not a system's name, since it holds an underscore; only the host's user gets in as it.</summary>
    public const string Admin = "tenfold_admin";

    /// <summary>postgresql.conf.</summary>
    public static string Server(PostgresPlaces places, int port, int connections, long sharedBuffers, long machineMemory, bool durable)
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

    /// <summary>pg_hba.conf: the host's user is the superuser over the socket, everyone else needs a password.</summary>
    public const string Access =
        $"""
        # Written by tenfold before each start: changes are lost.
        local all {Admin} peer map=tenfold
        local all all scram-sha-256
        host  all {Admin} all reject
        host  all all 127.0.0.1/32 scram-sha-256

        """;

    /// <summary>pg_ident.conf: which user of this machine is the superuser.</summary>
    public static string Identities(string user) => $"tenfold \"{user}\" {Admin}\n";

    private static string Number(int n) => n.ToString(CultureInfo.InvariantCulture);

    private static string Kilobytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes >> 10}kB");
}

/// <summary>Where a private PostgreSQL keeps what.</summary>
internal sealed record PostgresPlaces(string Name, string Data, string Socket, string Access, string Identities);
