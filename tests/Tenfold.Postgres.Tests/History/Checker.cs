using System.Diagnostics;
using Npgsql;
using Tenfold.Postgres.Tests.Support;
using Tenfold.Postgres.Tokens;

namespace Tenfold.Postgres.Tests.History;

/// <summary>
/// Concurrent callers, each the only writer of a counter of its own: they write, and read through whatever server they are sent
/// to, with requests that share nothing but a signed token, as HTTP requests do. A read that shows less than what was
/// acknowledged to the same caller before the read began is a violation.
/// </summary>
internal sealed class Checker(PostgresStore store, bool withTokens)
{
    private readonly TokenSigner _signer = TokenSigner.FromSecret("history");
    private long _reads;
    private long _writes;
    private long _violations;

    public long Reads => _reads;

    public long Writes => _writes;

    public long Violations => _violations;

    public async Task RunAsync(int callers, TimeSpan time, CancellationToken cancel)
    {
        await using (var connection = await store.OpenWriterAsync(null, cancel))
        {
            await using var table = new NpgsqlCommand($"DROP TABLE IF EXISTS history; CREATE TABLE history (caller int PRIMARY KEY, value bigint); INSERT INTO history SELECT n, 0 FROM generate_series(0, {callers - 1}) n", connection);
            await table.ExecuteNonQueryAsync(cancel);
            // Every replica has the table before the history begins.
            var token = await ReadToken.TakeAsync(connection, cancel);
            await Wait.ForAsync("every replica has the table", () => store.Status().All(server => server.IsPrimary || server.Position?.Lsn >= token.Lsn));
        }

        var until = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(() => RunAsync(caller, () => until.Elapsed < time, cancel), cancel)));
    }

    private async Task RunAsync(int id, Func<bool> goesOn, CancellationToken cancel)
    {
        var random = new Random(id);
        var (cookie, acknowledged) = ("", 0L);
        while (goesOn())
        {
            var caller = new Caller(withTokens ? _signer.Read(cookie) : []);
            if (random.Next(4) == 0)
            {
                // Two ways to write: a transaction that takes its token, and a connection whose token is taken at the end of the request.
                if (random.Next(2) == 0)
                {
                    await store.WriteAsync(caller, (id, acknowledged), static async (connection, write, cancel) => await SetAsync(connection, write.id, write.acknowledged + 1, cancel), cancel);
                }
                else
                {
                    await using (var connection = await store.OpenWriterAsync(caller, cancel))
                    {
                        await SetAsync(connection, id, acknowledged + 1, cancel);
                    }

                    await caller.TakeTokensAsync(cancel);
                }

                acknowledged++;
                Interlocked.Increment(ref _writes);
                cookie = _signer.Write(caller.Tokens);
            }

            var seen = await store.ReadAsync(new Caller(withTokens ? _signer.Read(cookie) : []), id, static async (connection, id, cancel) =>
            {
                await using var command = new NpgsqlCommand("SELECT value FROM history WHERE caller = $1", connection) { Parameters = { new() { Value = id } } };
                return (long)(await command.ExecuteScalarAsync(cancel))!;
            }, cancel);
            Interlocked.Increment(ref _reads);
            if (seen < acknowledged)
            {
                Interlocked.Increment(ref _violations);
            }
        }
    }

    private static async ValueTask<int> SetAsync(NpgsqlConnection connection, int caller, long value, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand("UPDATE history SET value = $2 WHERE caller = $1", connection) { Parameters = { new() { Value = caller }, new() { Value = value } } };
        return await command.ExecuteNonQueryAsync(cancel);
    }
}
