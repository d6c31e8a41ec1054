using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Tenfold.Postgres;

namespace PostgresDriver;

/// <summary>Reads and writes over a primary and its replicas.</summary>
internal static class Mixed
{
    public static async Task<int> RunAsync(string[] args)
    {
        var (hosts, callers, seconds) = (args[1], int.Parse(args[2]), double.Parse(args[3]));
        await using var store = new PostgresStore(
            new PostgresOptions { Name = "main", ConnectionString = $"Host={hosts};Username=postgres;Database=postgres;Max Auto Prepare=16;Auto Prepare Min Usages=2;No Reset On Close=true;Maximum Pool Size=40" },
            TimeProvider.System,
            NullLoggerFactory.Instance);
        await store.ReadyAsync(CancellationToken.None);
        for (var i = 0; i < 200 && store.Status().Count(server => server.Serves) < hosts.Split(',').Length; i++)
        {
            await Task.Delay(50);
        }

        var (primaryBefore, replicasBefore) = (store.PrimaryReads, store.ReplicaReads);
        var since = Stopwatch.GetTimestamp();
        var results = await Task.WhenAll(Enumerable.Range(0, callers).Select(id => Task.Run(async () =>
        {
            var (value, writes, violations, random) = (0L, 0L, 0L, new Random(id));
            var caller = new Caller();
            while (Stopwatch.GetElapsedTime(since).TotalSeconds < seconds)
            {
                if (random.Next(20) == 0)
                {
                    var wanted = value + 1;
                    await store.WriteAsync(caller, (id, wanted), static async (connection, write, cancel) =>
                    {
                        await using var command = new NpgsqlCommand("INSERT INTO counters VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET value = $2", connection);
                        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = write.id });
                        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = write.wanted });
                        return await command.ExecuteNonQueryAsync(cancel);
                    }, CancellationToken.None);
                    (value, writes) = (wanted, writes + 1);
                }

                var seen = await store.ReadAsync(caller, id, static async (connection, id, cancel) =>
                {
                    await using var command = new NpgsqlCommand("SELECT value FROM counters WHERE id = $1", connection);
                    command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = id });
                    return await command.ExecuteScalarAsync(cancel) as long? ?? 0;
                }, CancellationToken.None);
                violations += seen < value ? 1 : 0;
            }

            return (writes, violations);
        })));
        var (primary, replicas) = (store.PrimaryReads - primaryBefore, store.ReplicaReads - replicasBefore);
        Console.WriteLine($"{results.Sum(result => result.writes)} {primary + replicas} {primary} {results.Sum(result => result.violations)}");
        return 0;
    }
}
