using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Tenfold.Postgres;

namespace PostgresDriver;

/// <summary>Reads through the data plane and through something else, in turns: bare Npgsql, or the data plane with each command timed.</summary>
internal static class Read
{
    private const string Point = "SELECT name FROM items WHERE id = $1";
    private const string List = "SELECT id, name, price FROM items WHERE id > $1 ORDER BY id LIMIT 20";

    public static async Task<int> RunAsync(string[] args)
    {
        var (host, port, isPoint, callers, warm, seconds) = (args[1], args[2], args[3] == "point", int.Parse(args[4]), double.Parse(args[5]), double.Parse(args[6]));
        var settings = $"Host={host};Port={port};Username=postgres;Database=postgres;Max Auto Prepare=16;Auto Prepare Min Usages=2;No Reset On Close=true;Maximum Pool Size=";
        await using var store = new PostgresStore(new PostgresOptions { Name = "main", ConnectionString = settings + (callers * 2) }, TimeProvider.System, NullLoggerFactory.Instance);
        await using var timed = new PostgresStore(new PostgresOptions { Name = "timed", ConnectionString = settings + (callers * 2), SlowQuery = TimeSpan.FromSeconds(10) }, TimeProvider.System, NullLoggerFactory.Instance);
        await using var bare = new NpgsqlDataSourceBuilder(settings + callers).UseLoggerFactory(NullLoggerFactory.Instance).Build();
        var caller = new Caller();
        Func<ValueTask<NpgsqlConnection>> ours = () => store.OpenReaderAsync(caller, CancellationToken.None);
        Func<ValueTask<NpgsqlConnection>> theirs = args[0] == "timed" ? () => timed.OpenReaderAsync(caller, CancellationToken.None) : () => bare.OpenConnectionAsync();

        await TurnAsync(ours, isPoint, callers, warm / 2);
        await TurnAsync(theirs, isPoint, callers, warm / 2);
        var (sum, other) = (default(Turn), default(Turn));
        for (var turn = 0; turn < seconds * 5; turn++)
        {
            // The order turns round, so that whatever one leaves behind meets both.
            if (turn % 2 == 0)
            {
                sum += await TurnAsync(ours, isPoint, callers, 0.2);
                other += await TurnAsync(theirs, isPoint, callers, 0.2);
            }
            else
            {
                other += await TurnAsync(theirs, isPoint, callers, 0.2);
                sum += await TurnAsync(ours, isPoint, callers, 0.2);
            }
        }

        Console.WriteLine($"{sum} {other}");
        return 0;
    }

    private static async Task<Turn> TurnAsync(Func<ValueTask<NpgsqlConnection>> open, bool isPoint, int callers, double seconds)
    {
        var (cpu, bytes, since) = (Environment.CpuUsage.TotalTime, GC.GetTotalAllocatedBytes(), Stopwatch.GetTimestamp());
        var counts = await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            var count = 0L;
            for (var i = caller * 7919; Stopwatch.GetElapsedTime(since).TotalSeconds < seconds; i++, count++)
            {
                await using var connection = await open();
                await using var command = new NpgsqlCommand(isPoint ? Point : List, connection);
                command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = i % 9_900 });
                await using var rows = await command.ExecuteReaderAsync();
                var found = 0;
                while (await rows.ReadAsync())
                {
                    found += isPoint ? rows.GetString(0).Length : rows.GetString(1).Length + rows.GetInt32(0) + rows.GetInt32(2);
                }

                if (found == 0 && i % 9_900 != 0)
                {
                    throw new InvalidOperationException($"Nothing came back for {i % 9_900}.");
                }
            }

            return count;
        })));
        return new Turn(counts.Sum(), (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds, GC.GetTotalAllocatedBytes() - bytes);
    }

    [System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Auto)]
    private readonly record struct Turn(long Operations, double Cpu, long Bytes)
    {
        public static Turn operator +(Turn a, Turn b) => new(a.Operations + b.Operations, a.Cpu + b.Cpu, a.Bytes + b.Bytes);

        public override string ToString() => $"{Operations} {Cpu:0} {Bytes}";
    }
}
