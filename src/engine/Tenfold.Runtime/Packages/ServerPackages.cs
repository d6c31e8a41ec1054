using Tenfold.Runtime.Processes;

namespace Tenfold.Runtime.Packages;

/// <summary>PostgreSQL's programs.</summary>
/// <param name="Folder">The folder with <c>postgres</c> and <c>initdb</c>.</param>
/// <param name="Major">Major version: 15.</param>
public sealed record PostgresPrograms(string Folder, int Major)
{
    public string Server => Path.Combine(Folder, "postgres");

    public string InitDb => Path.Combine(Folder, "initdb");

    /// <summary>Whether the library that counts queries (pg_stat_statements) is installed with it.</summary>
    public bool CanCountQueries => ((string[])["../lib", "../lib/postgresql", "../lib64/pgsql"]).Any(folder => File.Exists(Path.Combine(Folder, folder, "pg_stat_statements.so")));

    /// <summary>Another one of PostgreSQL's programs.</summary>
    public string Program(string name) => Path.Combine(Folder, name);
}

/// <summary>Finds the servers' programs, and installs the distribution's packages when they are missing.</summary>
/// <param name="report">Gets a line for whatever takes time.</param>
/// <param name="time">Clock.</param>
public sealed class ServerPackages(Action<string> report, TimeProvider time)
{
    private const string DebianPostgres = "/usr/lib/postgresql";

    /// <summary>PostgreSQL: of the version <paramref name="wanted"/> if that one is here, else the newest.</summary>
    /// <exception cref="RuntimeException">Missing and cannot be installed: says what to run.</exception>
    public async Task<PostgresPrograms> PostgresAsync(int? wanted, CancellationToken cancel)
    {
        var found = await FindPostgresAsync(PostgresFolders(), wanted, cancel);
        if (found is null)
        {
            await InstallAsync($"PostgreSQL {ServerVersion.OldestPostgres} or newer", "postgresql", "postgresql", cancel);
            found = await FindPostgresAsync(PostgresFolders(), wanted, cancel);
        }

        return found ?? throw StillMissing("PostgreSQL", "postgresql");
    }

    /// <summary>Whether a PostgreSQL is here that would be used; nothing is installed.</summary>
    public async Task<bool> HasPostgresAsync(CancellationToken cancel) => await FindPostgresAsync(PostgresFolders(), null, cancel) is not null;

    /// <summary>Redis: path of redis-server.</summary>
    /// <exception cref="RuntimeException">Missing and cannot be installed: says what to run.</exception>
    public async Task<string> RedisAsync(CancellationToken cancel)
    {
        var found = await FindRedisAsync(cancel);
        if (found is null)
        {
            await InstallAsync($"redis-server {ServerVersion.OldestRedis} or newer", "redis-server", "redis-server", cancel);
            found = await FindRedisAsync(cancel);
        }

        return found ?? throw StillMissing("redis-server", "redis-server");
    }

    /// <summary>Looks into the folders; newer versions first, but <paramref name="wanted"/> before all.</summary>
    internal async Task<PostgresPrograms?> FindPostgresAsync(IEnumerable<string> folders, int? wanted, CancellationToken cancel)
    {
        var found = new List<PostgresPrograms>();
        foreach (var folder in folders.Distinct())
        {
            if (File.Exists(Path.Combine(folder, "initdb"))
                && ServerVersion.Postgres(await VersionAsync(Path.Combine(folder, "postgres"), cancel)) is { } major
                && major >= ServerVersion.OldestPostgres)
            {
                found.Add(new PostgresPrograms(folder, major));
            }
        }

        return found.OrderByDescending(one => one.Major == wanted).ThenByDescending(one => one.Major).FirstOrDefault();
    }

    private static IEnumerable<string> PostgresFolders()
    {
        if (Programs.Find("postgres") is { } program)
        {
            yield return Path.GetDirectoryName(File.ResolveLinkTarget(program, returnFinalTarget: true)?.FullName ?? program)!;
        }

        foreach (var version in Directory.Exists(DebianPostgres) ? Directory.GetDirectories(DebianPostgres) : [])
        {
            yield return Path.Combine(version, "bin");
        }

        yield return "/usr/local/pgsql/bin";
    }

    private async Task<string?> FindRedisAsync(CancellationToken cancel) =>
        Programs.Find("redis-server") is { } program
        && ServerVersion.Redis(await VersionAsync(program, cancel)) is { } version && version >= ServerVersion.OldestRedis
            ? program
            : null;

    private async Task<string> VersionAsync(string program, CancellationToken cancel)
    {
        var lines = new List<string>();
        return Programs.Find(program) is not null && await RunAsync([program, "--version"], lines.Add, cancel) == 0 ? string.Join('\n', lines) : "";
    }

    private async Task InstallAsync(string what, string package, string service, CancellationToken cancel)
    {
        var aptGet = Programs.Find("apt-get");
        var machine = new Installer(
            Environment.IsPrivilegedProcess,
            aptGet,
            aptGet is not null && !Environment.IsPrivilegedProcess && Programs.Find("sudo") is not null && await RunAsync(["sudo", "-n", "true"], _ => { }, cancel) == 0);
        var plan = InstallPlan.Decide(what, package, machine);
        if (plan.Prefix is not { } prefix)
        {
            throw new RuntimeException(RuntimeFailure.Machine, plan.Refusal!);
        }

        var services = new DistributionService(service, prefix, RunAsync);
        var wasThere = services.IsKnown;
        report($"{what} is not here: installing Debian's package {package}");
        if (await AptAsync(prefix, ["install", "-y", "--no-install-recommends", package], cancel) is { } first)
        {
            report("apt-get could not find or fetch it: updating the package lists first");
            _ = await AptAsync(prefix, ["update"], cancel);
            if (await AptAsync(prefix, ["install", "-y", "--no-install-recommends", package], cancel) is { } second)
            {
                throw new RuntimeException(RuntimeFailure.Machine, $"{what} is not on this machine, and apt-get could not install it ({second}); make this work and start again: {InstallPlan.Command(package)}");
            }
        }

        if (!wasThere)
        {
            await services.TurnOffAsync(cancel);
        }
    }

    /// <summary>Runs apt-get; null when it went well, else its last error line.</summary>
    private async Task<string?> AptAsync(IReadOnlyList<string> prefix, IReadOnlyList<string> arguments, CancellationToken cancel)
    {
        var last = "no output";
        string[] command = [.. prefix, "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "apt-get", "-o", "DPkg::Lock::Timeout=120", "-o", "Dpkg::Use-Pty=0", .. arguments];
        var code = await RunAsync(command, line =>
        {
            if (line.StartsWith("E:", StringComparison.Ordinal))
            {
                last = line;
            }

            if (line.StartsWith("Get:", StringComparison.Ordinal) || line.StartsWith("Setting up", StringComparison.Ordinal) || line.StartsWith("E:", StringComparison.Ordinal))
            {
                report($"apt-get: {line}");
            }
        }, cancel);
        return code == 0 ? null : last;
    }

    private Task<int> RunAsync(IReadOnlyList<string> command, Action<string> onLine, CancellationToken cancel) =>
        Tool.RunAsync(new ProcessSpec { Name = command[0], FileName = command[0], Arguments = [.. command.Skip(1)], WorkingDirectory = "/" }, onLine, time, cancel);

    private static RuntimeException StillMissing(string what, string package) => new(
        RuntimeFailure.Machine,
        $"{what} was installed but a version that is new enough (PostgreSQL {ServerVersion.OldestPostgres}, Redis {ServerVersion.OldestRedis}) is still not found; install a newer one than the distribution's package '{package}' and put its programs on PATH");
}
