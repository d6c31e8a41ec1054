using System.Diagnostics;
using Npgsql;

namespace JobsDriver;

/// <summary>What a job adds to a transaction of one insert.</summary>
internal static class Enqueueing
{
    private const string Insert = "INSERT INTO orders (customer, total) VALUES ($1, $2)";

    public static async Task<int> RunAsync(string connection, int clients, double warm, int rounds, double seconds)
    {
        await using var own = NpgsqlDataSource.Create(connection);
        await using (var table = own.CreateCommand("CREATE TABLE IF NOT EXISTS orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer bigint NOT NULL, total numeric NOT NULL, at timestamptz NOT NULL DEFAULT now())"))
        {
            await table.ExecuteNonQueryAsync();
        }

        await using var app = await App.StartAsync(connection, null);
        Func<NpgsqlConnection, int, Task>[] sides = [PlainAsync, SelectingAsync, (one, number) => EnqueuedAsync(app, one, number), (one, number) => InBatchAsync(app, one, number)];
        await RoundAsync(own, sides, clients, warm);
        for (var round = 0; round < rounds; round++)
        {
            Console.WriteLine(string.Join(' ', (await RoundAsync(own, sides, clients, seconds)).Select(time => FormattableString.Invariant($"{time * 1e6:0.0}"))));
        }

        return 0;
    }

    // Mean time of a transaction of each side, in seconds.
    private static async Task<double[]> RoundAsync(NpgsqlDataSource own, Func<NpgsqlConnection, int, Task>[] sides, int clients, double seconds)
    {
        var (counts, times) = (new long[sides.Length], new double[sides.Length]);
        for (var turn = 0; turn < seconds * 5 / sides.Length; turn++)
        {
            for (var i = 0; i < sides.Length; i++)
            {
                var side = turn % 2 == 0 ? i : sides.Length - 1 - i;
                var (count, took) = await TurnAsync(own, sides[side], clients, 0.2);
                (counts[side], times[side]) = (counts[side] + count, times[side] + took);
            }
        }

        return [.. counts.Zip(times, (count, took) => took * clients / count)];
    }

    private static async Task<(long Count, double Seconds)> TurnAsync(NpgsqlDataSource own, Func<NpgsqlConnection, int, Task> transact, int clients, double seconds)
    {
        var since = Stopwatch.GetTimestamp();
        var counts = await Task.WhenAll(Enumerable.Range(0, clients).Select(client => Task.Run(async () =>
        {
            var count = 0L;
            await using var one = await own.OpenConnectionAsync();
            for (; Stopwatch.GetElapsedTime(since).TotalSeconds < seconds; count++)
            {
                await transact(one, client);
            }

            return count;
        })));
        return (counts.Sum(), Stopwatch.GetElapsedTime(since).TotalSeconds);
    }

    private static async Task PlainAsync(NpgsqlConnection one, int number)
    {
        await using var transaction = await one.BeginTransactionAsync();
        await InsertAsync(one, number);
        await transaction.CommitAsync();
    }

    // What any further statement costs: a round trip.
    private static async Task SelectingAsync(NpgsqlConnection one, int number)
    {
        await using var transaction = await one.BeginTransactionAsync();
        await InsertAsync(one, number);
        await using (var command = new NpgsqlCommand("SELECT 1", one))
        {
            await command.ExecuteScalarAsync();
        }

        await transaction.CommitAsync();
    }

    private static async Task EnqueuedAsync(App app, NpgsqlConnection one, int number)
    {
        await using var transaction = await one.BeginTransactionAsync();
        await InsertAsync(one, number);
        await app.Jobs.EnqueueAsync(one, new Nothing(number));
        await transaction.CommitAsync();
    }

    private static async Task InBatchAsync(App app, NpgsqlConnection one, int number)
    {
        await using var transaction = await one.BeginTransactionAsync();
        var insert = new NpgsqlBatchCommand(Insert);
        insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = number });
        insert.Parameters.Add(new NpgsqlParameter<decimal> { TypedValue = 12.5m });
        await using (var batch = new NpgsqlBatch(one) { BatchCommands = { insert, app.Jobs.Command(new Nothing(number)) } })
        {
            await batch.ExecuteNonQueryAsync();
        }

        await transaction.CommitAsync();
        app.Jobs.Told("default");
    }

    private static async Task InsertAsync(NpgsqlConnection one, int number)
    {
        await using var command = new NpgsqlCommand(Insert, one);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = number });
        command.Parameters.Add(new NpgsqlParameter<decimal> { TypedValue = 12.5m });
        await command.ExecuteNonQueryAsync();
    }
}
