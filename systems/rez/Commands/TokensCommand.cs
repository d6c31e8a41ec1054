using System.Globalization;
using Commons.Accounts;
using Tenfold.Postgres.Shards;

namespace Rez.Commands;

/// <summary>
/// <c>rez tokens --count N</c>: logs customers in without their passwords, for load tests, and prints who they are and their access tokens
/// as CSV. It takes the database's own password to do so, which whoever runs it has.
/// </summary>
internal sealed class TokensCommand(ShardedStore store, Sessions sessions)
{
    /// <summary>Most customers.</summary>
    public const int Most = 100_000;

    private const int AtOnce = 8;
    private static readonly Device Device = new("127.0.0.1", "rez tokens");

    /// <returns>The process's exit code: 0 printed, 1 there are not so many customers.</returns>
    public async Task<int> RunAsync(int count, TextWriter output, TextWriter errors, CancellationToken cancel)
    {
        var customers = await CustomersAsync(count, cancel);
        if (customers.Count < count)
        {
            await errors.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"there are {customers.Count:N0} active customers, not {count:N0}"));
            return 1;
        }

        var tokens = new string[count];
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel }, async (i, token) =>
            tokens[i] = await sessions.CreateAsync(customers[i], SessionKind.App, Device, null, token) is { } made ? $"{customers[i]},{made.Token}" : "");
        await output.WriteLineAsync("user,token");
        foreach (var line in tokens.Where(line => line.Length > 0)) // without those that were deactivated just now
        {
            await output.WriteLineAsync(line);
        }

        return 0;
    }

    private async Task<List<ShardId>> CustomersAsync(int count, CancellationToken cancel)
    {
        var customers = new List<ShardId>();
        for (var more = true; more && customers.Count < count;)
        {
            var page = await store.ScatterAsync(
                new ScatterQuery<ShardId>
                {
                    Sql = "SELECT id FROM accounts WHERE role = 'customer' AND is_active AND bucket_id = ANY ($1) AND id < $3 ORDER BY id DESC LIMIT $2",
                    Values = [customers.Count == 0 ? long.MaxValue : customers[^1].Value],
                    Read = row => new ShardId(row.GetInt64(0)),
                    Order = Comparer<ShardId>.Create((a, b) => b.CompareTo(a)),
                    Limit = Math.Min(count - customers.Count, ScatterQuery<ShardId>.Largest),
                },
                null,
                cancel);
            customers.AddRange(page.Rows);
            more = page.More;
        }

        return customers;
    }
}
