using Tenfold.Runtime.Packages;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Stores;

/// <summary>Makes a cluster's data, or finds out whether what is there can be used.</summary>
internal sealed class PostgresCluster(string name, StoreFolder folder, SystemUser? owner, StoreOptions options)
{
    private const long Mebibyte = 1 << 20;
    private const long LeastForInitdb = 32 * Mebibyte;
    private const long Comfortable = 128 * Mebibyte;

    /// <summary>Major version of the data that is there, or null when there is none that is complete.</summary>
    public int? Version =>
        File.Exists(Path.Combine(folder.Data, "global", "pg_control")) && int.TryParse(StateFolder.ReadIfThere(Path.Combine(folder.Data, "PG_VERSION")), out var major) ? major : null;

    /// <summary>Data that is there already is given to the server's user, or refused when it is another user's.</summary>
    /// <exception cref="RuntimeException">It is another user's.</exception>
    public void CheckOwner()
    {
        if (Directory.Exists(folder.Data))
        {
            folder.CheckOwner(folder.Data, "PostgreSQL");
        }
    }

    /// <summary>Makes the data unless it is there and complete.</summary>
    /// <exception cref="RuntimeException">It is of another version, or cannot be made.</exception>
    public async Task EnsureAsync(PostgresPrograms programs, CancellationToken cancel)
    {
        if (Version is { } major)
        {
            if (major != programs.Major)
            {
                throw new RuntimeException(
                    RuntimeFailure.Machine,
                    $"store {name}: its data in {folder.Data} was made by PostgreSQL {major}, but this machine has {programs.Major} only; install it: sudo apt-get install -y postgresql-{major}, or delete the data: tenfold down --delete");
            }

            return;
        }

        SetAside();
        await MakeAsync(programs, cancel);
    }

    /// <summary>After a crash: ends what is left of the old server and removes its lock file, whose number may be another process's by now.</summary>
    public void Clear()
    {
        if (StoreServers.KillAll(folder.Data) is > 0 and var killed)
        {
            options.Report($"store {name}: ended {killed} processes of a PostgreSQL that was killed");
        }

        if (Directory.Exists(folder.Data))
        {
            File.Delete(Path.Combine(folder.Data, "postmaster.pid"));
        }
    }

    // Never deleted: only its owner can tell whether there was something in it.
    private void SetAside()
    {
        if (Directory.Exists(folder.Data) && Directory.EnumerateFileSystemEntries(folder.Data).Any())
        {
            var aside = $"{folder.Data}.broken-{options.Time.GetUtcNow():yyyyMMddHHmmss}";
            Directory.Move(folder.Data, aside);
            options.Report($"store {name}: the cluster in {folder.Data} is not complete; it is kept as {aside}, and a new one is made");
        }
        else if (Directory.Exists(folder.Data))
        {
            Directory.Delete(folder.Data);
        }
    }

    // Under a temporary name, so that a cluster under its real one is always complete.
    private async Task MakeAsync(PostgresPrograms programs, CancellationToken cancel)
    {
        var half = folder.Data + ".new";
        if (DiskSpace.Free(folder.Root) < LeastForInitdb)
        {
            throw new RuntimeException(RuntimeFailure.Machine, $"store {name}: {DiskSpace.Full(folder.Root, Comfortable)}");
        }

        options.Report($"store {name}: making a PostgreSQL {programs.Major} cluster");
        folder.MakeFresh(half);
        var lines = new List<string>();
        try
        {
            var code = await Tool.RunAsync(
                new ProcessSpec
                {
                    Name = $"initdb of {name}",
                    FileName = programs.InitDb,
                    Arguments =
                    [
                        "-D", half, "-U", PostgresSettings.Admin, "--encoding=UTF8",
                        // Order by code point: the fastest, the same everywhere, and LIKE 'x%' can use a plain index. Letters of every language keep their case.
                        "--lc-collate=C", "--lc-ctype=C.UTF-8", "--lc-messages=C",
                        "--auth-local=peer", "--auth-host=reject", "--data-checksums",
                        .. options.Durable ? Array.Empty<string>() : ["--no-sync"],
                    ],
                    WorkingDirectory = folder.Root,
                    InheritEnvironment = false,
                    RunAs = owner,
                },
                lines.Add,
                options.Time,
                cancel,
                folder.State);
            if (code != 0)
            {
                throw Failed(code, lines);
            }

            StateFolder.Guarded(folder.Data, () => Directory.Move(half, folder.Data));
        }
        catch
        {
            Directory.Delete(half, recursive: true);
            throw;
        }
    }

    private RuntimeException Failed(int code, List<string> lines)
    {
        var full = DiskSpace.IsBlamed(lines);
        return new RuntimeException(
            RuntimeFailure.Machine,
            full
                ? $"store {name}: {DiskSpace.Full(folder.Root, Comfortable) ?? $"the disk of {folder.Root} is full"} (nothing half-made was left there)"
                : $"store {name}: initdb ended with exit code {code}:\n  {string.Join("\n  ", lines.TakeLast(10))}");
    }
}
