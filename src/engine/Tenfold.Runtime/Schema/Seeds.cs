using Npgsql;

namespace Tenfold.Runtime.Schema;

/// <summary>Runs what fills a system's stores, once.</summary>
/// <remarks>The ledger is the table <c>public.tenfold_seeds</c> of the database itself, so that it comes and goes with the data.</remarks>
public static class Seeds
{
    /// <summary>
    /// Runs a seed unless it has run to its end before. Two hosts may call it at once: one waits for the other.
    /// A seed that fails, or whose host dies, runs again the next time: it must be able to start over.
    /// </summary>
    /// <param name="connectionString">Npgsql's key-values of the store that keeps the ledger.</param>
    /// <param name="name">The seed: the service's name.</param>
    /// <param name="run">Runs it and returns its exit code.</param>
    /// <param name="report">Gets a line when it has to wait.</param>
    /// <param name="cancel">Stops it.</param>
    /// <returns>True when it ran now, false when it had run before.</returns>
    /// <exception cref="RuntimeException"><see cref="RuntimeFailure.Failed"/>: it ended with another exit code than 0, or the database cannot be reached.</exception>
    public static async Task<bool> RunOnceAsync(string connectionString, string name, Func<CancellationToken, Task<int>> run, Action<string> report, CancellationToken cancel)
    {
        try
        {
            await using var connection = await LedgerLock.OpenAsync(connectionString, LedgerLock.Seeds, report, cancel);
            if (await HasRunAsync(connection, name, cancel))
            {
                return false;
            }

            var code = await run(cancel);
            if (code != 0)
            {
                throw new RuntimeException(RuntimeFailure.Failed, $"the seed of {name} ended with exit code {code}; it is run again at the next start");
            }

            await using var insert = new NpgsqlCommand("INSERT INTO public.tenfold_seeds (name) VALUES ($1)", connection) { Parameters = { new() { Value = name } } };
            await insert.ExecuteNonQueryAsync(cancel);
            return true;
        }
        catch (NpgsqlException e)
        {
            throw new RuntimeException(RuntimeFailure.Failed, $"the seed of {name} cannot be run or noted as done: {e.Message}", e);
        }
    }

    private static async Task<bool> HasRunAsync(NpgsqlConnection connection, string name, CancellationToken cancel)
    {
        await using (var create = new NpgsqlCommand(
            """
            SET client_min_messages = warning;
            CREATE TABLE IF NOT EXISTS public.tenfold_seeds (
                name        text PRIMARY KEY,
                finished_at timestamptz NOT NULL DEFAULT now())
            """,
            connection))
        {
            await create.ExecuteNonQueryAsync(cancel);
        }

        await using var command = new NpgsqlCommand("SELECT EXISTS (SELECT FROM public.tenfold_seeds WHERE name = $1)", connection) { Parameters = { new() { Value = name } } };
        return (bool)(await command.ExecuteScalarAsync(cancel))!;
    }
}
