using System.Diagnostics;
using Npgsql;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Postgres.Tests.Pooling;

/// <summary>A PgBouncer in transaction mode before a server, with two connections to it for everybody; not as root.</summary>
internal sealed class PgBouncer : IAsyncDisposable
{
    /// <summary>The name of the database for readers; <see cref="Open"/> is one that is not read-only.</summary>
    public const string Readers = "postgres_readers";

    public const string Open = "postgres";

    private readonly string _folder;
    private readonly Process _process;

    private PgBouncer(string folder, Process process, int port) => (_folder, _process, Port) = (folder, process, port);

    public int Port { get; }

    public string ConnectionString => $"Host=127.0.0.1:{Port};Username=postgres;Database=postgres";

    /// <summary>Null where it is not installed; <c>./test</c> sees to that.</summary>
    public static string? Program { get; } = ((string[])["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"]).FirstOrDefault(File.Exists);

    public static async Task<PgBouncer> StartAsync(PostgresServer server, int waitSeconds = 60)
    {
        Assert.SkipUnless(Program is not null, "PgBouncer is not here; install it: apt-get install pgbouncer");
        var (folder, port) = (Directory.CreateTempSubdirectory("tenfold-pgbouncer-").FullName, PostgresServer.FreePort());
        File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        var file = Path.Combine(folder, "pgbouncer.ini");
        await File.WriteAllTextAsync(Path.Combine(folder, "users.txt"), "\"postgres\" \"\"\n");
        await File.WriteAllTextAsync(
            file,
            $"""
            [databases]
            {Open} = host=127.0.0.1 port={server.Port} dbname=postgres
            {Readers} = host=127.0.0.1 port={server.Port} dbname=postgres connect_query='SET default_transaction_read_only = on'
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {port}
            unix_socket_dir =
            auth_type = trust
            auth_file = {folder}/users.txt
            pool_mode = transaction
            default_pool_size = 2
            max_client_conn = 200
            server_connect_timeout = 2
            server_login_retry = 1
            query_wait_timeout = {waitSeconds}
            """);
        string[] command = Environment.IsPrivilegedProcess ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--", Program!, file] : [Program!, file];
        var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true })!;
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        var bouncer = new PgBouncer(folder, process, port);
        await Wait.ForAsync("PgBouncer answers", async () =>
        {
            try
            {
                await using var connection = new NpgsqlConnection(bouncer.ConnectionString + ";Pooling=false;No Reset On Close=true");
                await connection.OpenAsync();
                return true;
            }
            catch (NpgsqlException)
            {
                Assert.False(process.HasExited, "PgBouncer ended");
                return false;
            }
        });
        return bouncer;
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
