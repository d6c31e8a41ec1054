using System.Globalization;
using System.Text.RegularExpressions;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Stores;

/// <summary>Makes a server the replica of another one: by a copy of all of it, or by winding its own data back to where both were the same.</summary>
/// <param name="node">The server that becomes a replica; it does not run.</param>
/// <param name="primary">The server that it will follow; it runs.</param>
/// <param name="options">How stores are run.</param>
internal sealed partial class ReplicaCopy(PostgresNode node, PostgresNode primary, StoreOptions options)
{
    private const string Half = ".new";

    /// <summary>A base backup, under a temporary name until it is complete. What was there before is removed: it was a copy, too.</summary>
    /// <exception cref="RuntimeException">It failed: the disk is full, the primary went away.</exception>
    public async Task MakeAsync(CancellationToken cancel)
    {
        var half = node.Folder.Data + Half;
        node.Clear();
        await new PostgresAdmin(primary).RenewSlotAsync(node.Index, cancel);
        if (Directory.Exists(node.Folder.Data))
        {
            // First, since the disk may not hold both.
            StateFolder.Guarded(node.Folder.Data, () => Directory.Delete(node.Folder.Data, recursive: true));
        }

        node.Folder.MakeFresh(half);
        try
        {
            await node.RunToolAsync(
                "pg_basebackup",
                [
                    "--pgdata", half, "--wal-method=stream", "--checkpoint=fast", "--slot", DatabaseNames.Slot(node.Index), "--no-password",
                    "--host", primary.Address.Socket, "--port", primary.Address.Port.ToString(CultureInfo.InvariantCulture), "--username", PostgresSettings.Admin,
                    .. options.Durable ? Array.Empty<string>() : ["--no-sync"],
                ],
                cancel);
            StateFolder.Guarded(node.Folder.Data, () => Directory.Move(half, node.Folder.Data));
            node.MarkAsStandby();
        }
        catch
        {
            Directory.Delete(half, recursive: true);
            throw;
        }
    }

    /// <summary>
    /// pg_rewind: what the server wrote after it and the primary parted is dropped, and what the primary changed since is fetched.
    /// </summary>
    /// <exception cref="RuntimeException">It cannot be done; the data is of no use then, and is to be copied anew.</exception>
    public async Task RewindAsync(CancellationToken cancel)
    {
        node.Clear();
        await new PostgresAdmin(primary).CheckpointAsync(cancel);
        if (!File.Exists(node.StandbySignal))
        {
            // It was killed as a primary: recovery to the end of its WAL first, which is what pg_rewind begins with.
            await node.RunToolAsync(
                "postgres", ["--single", "-D", node.Folder.Data, "-c", $"config_file={node.ConfigurationFile}", "-c", "synchronous_standby_names=", "template1"], cancel);
        }

        await node.RunToolAsync(
            "pg_rewind",
            [
                "--target-pgdata", node.Folder.Data, "--no-ensure-shutdown",
                "--source-server", $"host='{primary.Address.Socket}' port={primary.Address.Port} user={PostgresSettings.Admin} dbname=postgres options='-c synchronous_commit=local'",
                .. options.Durable ? Array.Empty<string>() : ["--no-sync"],
            ],
            cancel);
        node.MarkAsStandby();
    }

    /// <summary>What a former primary holds that the new one never got: counted in its WAL from where the new timeline begins.</summary>
    /// <remarks>
    /// Each commit record is a transaction that was committed there; whether its client was told so is not known here, so this is
    /// what was lost at most.
    /// </remarks>
    public async Task<LostWal> LostAsync(CancellationToken cancel)
    {
        var admin = new PostgresAdmin(primary);
        await admin.CheckpointAsync(cancel);
        var (timeline, position) = LastSwitch(await admin.TimelineHistoryAsync(cancel));
        // Ends with an error at the end of the WAL, as it must.
        var lines = await node.RunToolAsync(
            "pg_waldump",
            ["--path", Path.Combine(node.Folder.Data, "pg_wal"), "--timeline", timeline.ToString(CultureInfo.InvariantCulture), "--start", position],
            cancel,
            mayFail: true);
        var records = lines.Select(line => Record().Match(line)).Where(match => match.Success).ToArray();
        var bytes = records.Length == 0 ? 0 : Position(records[^1].Groups["lsn"].Value) - Position(position) + int.Parse(records[^1].Groups["length"].Value, CultureInfo.InvariantCulture);
        return new LostWal(records.Count(match => match.Groups["what"].Value.StartsWith("COMMIT", StringComparison.Ordinal)), Math.Max(0, bytes));
    }

    /// <summary>The last line of a timeline's history: <c>1	0/3000148	no recovery target specified</c>.</summary>
    internal static (int Timeline, string Position) LastSwitch(string history)
    {
        var fields = history.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Last(line => line[0] != '#').Split('\t');
        return (int.Parse(fields[0], CultureInfo.InvariantCulture), fields[1]);
    }

    private static long Position(string lsn)
    {
        var halves = lsn.Split('/');
        return (long.Parse(halves[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture) << 32) + long.Parse(halves[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }

    // rmgr: Transaction len (rec/tot):     34/    34, tx:        735, lsn: 0/0150F8E0, prev 0/0150F8A8, desc: COMMIT 2024-…
    [GeneratedRegex(@"^rmgr: (?<rmgr>\w+) +len \(rec/tot\): +\d+/ *(?<length>\d+), tx: +\d+, lsn: (?<lsn>[0-9A-F]+/[0-9A-F]+), .*?desc: (?<what>\w+)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Record();
}

/// <summary>What a failover lost.</summary>
/// <param name="Transactions">Committed transactions.</param>
/// <param name="Bytes">WAL, in bytes.</param>
internal sealed record LostWal(int Transactions, long Bytes);
