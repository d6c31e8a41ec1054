using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace ShardsDriver;

/// <summary>Point reads and single-row writes by key, with shards and without, both through the data plane.</summary>
internal static class Operations
{
    private const int Rows = 100_000;

    public static async Task<int> RunAsync(string home, string other, bool shard, bool write, int callers, double warm, double seconds, int postmaster)
    {
        await using var sharded = await Stores.StartAsync(home, other);
        await using var plain = new PostgresStore(new PostgresOptions { Name = "plain", ConnectionString = home }, TimeProvider.System, NullLoggerFactory.Instance);
        Func<int, Task> operation = (shard, write) switch
        {
            (true, true) => id => sharded.ExecuteAsync(ShardKey.OfBucket(0), Write(id), null, CancellationToken.None),
            (true, false) => async id =>
            {
                var at = sharded.Shard(ShardKey.OfBucket(0));
                await using var connection = await at.OpenReaderAsync(null, CancellationToken.None);
                await ReadAsync(connection, at.Bucket, id);
            },
            (false, true) => async id =>
            {
                await using var connection = await plain.OpenWriterAsync(null, CancellationToken.None);
                await using var batch = Write(id);
                batch.Connection = connection;
                await batch.ExecuteNonQueryAsync();
            },
            (false, false) => async id =>
            {
                await using var connection = await plain.OpenReaderAsync(null, CancellationToken.None);
                await ReadAsync(connection, 0, id);
            },
        };

        await LoopAsync(operation, callers, warm);
        var (clock, own, server) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime, ServerTicks(postmaster));
        var done = await LoopAsync(operation, callers, seconds);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{done} {clock.Elapsed.TotalSeconds:0.000} {(Environment.CpuUsage.TotalTime - own).TotalMicroseconds:0} {(ServerTicks(postmaster) - server) * 10_000}"));
        return 0;
    }

    private static NpgsqlBatch Write(int id) => new()
    {
        BatchCommands =
        {
            new NpgsqlBatchCommand("UPDATE items SET stock = stock + 1 WHERE bucket_id = $1 AND id = $2")
            {
                Parameters = { new NpgsqlParameter<int> { TypedValue = 0 }, new NpgsqlParameter<long> { TypedValue = id } },
            },
        },
    };

    private static async Task ReadAsync(NpgsqlConnection connection, int bucket, int id)
    {
        await using var command = new NpgsqlCommand("SELECT name, stock FROM items WHERE bucket_id = $1 AND id = $2", connection)
        {
            Parameters = { new NpgsqlParameter<int> { TypedValue = bucket }, new NpgsqlParameter<long> { TypedValue = id } },
        };
        await using var rows = await command.ExecuteReaderAsync();
        if (!await rows.ReadAsync() || rows.GetString(0).Length == 0)
        {
            throw new InvalidOperationException($"item {id} is not there");
        }
    }

    private static async Task<long> LoopAsync(Func<int, Task> operation, int callers, double seconds)
    {
        var end = Stopwatch.GetTimestamp() + (long)(seconds * Stopwatch.Frequency);
        var counts = await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            var random = new Random(caller);
            var count = 0L;
            for (; Stopwatch.GetTimestamp() < end; count++)
            {
                await operation((random.Next(Rows / callers) * callers) + caller + 1);
            }

            return count;
        })));
        return counts.Sum();
    }

    // User and system time of the server's processes; 100 ticks a second.
    private static long ServerTicks(int postmaster) => Directory.EnumerateDirectories("/proc").Where(folder => char.IsAsciiDigit(Path.GetFileName(folder)[0])).Sum(folder =>
    {
        try
        {
            var fields = File.ReadAllText(Path.Combine(folder, "stat")).Split(") ")[^1].Split(' ');
            var isIts = fields[1] == postmaster.ToString(CultureInfo.InvariantCulture);
            return isIts ? long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture) : 0;
        }
        catch (IOException)
        {
            return 0; // not a process, or gone
        }
    });
}
