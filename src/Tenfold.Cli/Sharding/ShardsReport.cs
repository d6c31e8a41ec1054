using System.Globalization;
using System.Text.Json;
using Npgsql;
using Tenfold.Cli.Edge;
using Tenfold.Cli.Output;
using Tenfold.Postgres.Moves;
using Tenfold.Postgres.Shards;

namespace Tenfold.Cli.Sharding;

/// <summary>What <c>shards --json</c> prints.</summary>
/// <param name="Store">The store.</param>
/// <param name="Epoch">Version of the map.</param>
/// <param name="Skew">The largest database's bytes over the mean.</param>
/// <param name="Databases">By number.</param>
/// <param name="Buckets">By bucket.</param>
/// <param name="Unfinished">Moves that are not at their end.</param>
internal sealed record ShardsReport(
    string Store, long Epoch, double Skew, IReadOnlyList<DatabaseReport> Databases, IReadOnlyList<BucketSize> Buckets, IReadOnlyList<UnfinishedMove> Unfinished)
{
    private const int Largest = 5;

    /// <summary>Asks all databases and prints.</summary>
    public static async Task WriteAsync(Shell shell, ShardedStore store, bool json, CancellationToken cancel)
    {
        var report = await ReadAsync(store, cancel);
        if (json)
        {
            shell.Out.WriteLine(JsonSerializer.Serialize(report, CliJson.Default.ShardsReport));
        }
        else
        {
            report.Write(shell.Out);
        }
    }

    public static async Task<ShardsReport> ReadAsync(ShardedStore store, CancellationToken cancel)
    {
        var sizes = await ShardSizes.ReadAsync(store, cancel);
        var unfinished = await new BucketMover(store, new MoveOptions(), static _ => { }).UnfinishedAsync(cancel);
        var map = store.Map;
        return new ShardsReport(
            store.Home.Name,
            sizes.Epoch,
            Math.Round(sizes.Skew(map.Databases.Count), 3),
            [.. map.Databases.Select(database =>
            {
                var own = sizes.Buckets.Where(bucket => bucket.Database == database.Id).ToList();
                return new DatabaseReport(database.Id, Place(database), own.Count, own.Sum(bucket => bucket.Rows), own.Sum(bucket => bucket.Bytes));
            })],
            sizes.Buckets,
            [.. unfinished.Select(move => new UnfinishedMove(move.Id, move.Source, move.Target, move.Buckets, move.Step))]);
    }

    private void Write(TextWriter to)
    {
        var bytes = Databases.Sum(database => database.Bytes);
        to.WriteLine($"store {Store}: {Count(Buckets.Count)} buckets over {Databases.Count} {(Databases.Count == 1 ? "database" : "databases")}, map of epoch {Epoch}");
        var table = new TextTable(["DATABASE", "BUCKETS", "ROWS", "SIZE", "SHARE", "AT"]);
        foreach (var database in Databases)
        {
            table.Add(
                Count(database.Id), Count(database.Buckets), Count(database.Rows), Units.Bytes(database.Bytes), bytes == 0 ? "-" : Units.Text(100.0 * database.Bytes / bytes, "0") + "%", database.At);
        }

        table.Write(to);
        to.WriteLine($"skew: {Units.Text(Skew, "0.00")} (the largest database over the mean)");
        var largest = Buckets.Where(bucket => bucket.Rows > 0).OrderByDescending(bucket => bucket.Bytes).Take(Largest).ToList();
        if (largest.Count > 0)
        {
            to.WriteLine($"largest buckets: {string.Join(" · ", largest.Select(bucket => $"{bucket.Bucket} (database {bucket.Database}) {Count(bucket.Rows)} rows, {Units.Bytes(bucket.Bytes)}"))}");
        }

        foreach (var move in Unfinished)
        {
            to.WriteLine($"unfinished: move {move.Move} of {move.Buckets.Count} {(move.Buckets.Count == 1 ? "bucket" : "buckets")} from database {move.Source} to {move.Target}, after step {(int)move.Step} ({move.Step}); 'resume' finishes it, 'clean' takes it back");
        }
    }

    private static string Place(ShardDatabase database)
    {
        var address = new NpgsqlConnectionStringBuilder(database.Address);
        return database.Address.Length == 0 ? "home" : $"{address.Host}:{address.Port}/{address.Database}";
    }

    private static string Count(long n) => n.ToString("N0", CultureInfo.InvariantCulture);
}

/// <summary>A database of the map.</summary>
internal sealed record DatabaseReport(int Id, string At, int Buckets, long Rows, long Bytes);

/// <summary>A move that is not at its end, and the last step that it has done.</summary>
internal sealed record UnfinishedMove(long Move, int Source, int Target, IReadOnlyList<int> Buckets, MoveStep Step);
