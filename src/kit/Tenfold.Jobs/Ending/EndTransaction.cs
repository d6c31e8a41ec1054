using Npgsql;
using Tenfold.Jobs.Running;

namespace Tenfold.Jobs.Ending;

/// <summary>Writes how runs ended, together with what follows for other jobs.</summary>
internal static class EndTransaction
{
    /// <summary>Completes a job that nobody is to be told of, on a connection that may be in a transaction.</summary>
    /// <returns>Whether it was held, and nobody waits for it.</returns>
    public static async Task<bool> CompleteOneAsync(NpgsqlConnection connection, JobEnding ending, string worker, CancellationToken cancel)
    {
        await using var command = EndSql.CompleteOne(ending, worker);
        command.Connection = connection;
        return await command.ExecuteScalarAsync(cancel) is true;
    }

    /// <summary>Of jobs that their handlers say to have completed, those that are held all the same.</summary>
    public static async Task<HashSet<long>> StillHeldAsync(NpgsqlConnection connection, IReadOnlyList<JobEnding> endings, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { EndSql.StillHeld(endings) } };
        await using var rows = await batch.ExecuteReaderAsync(cancel);
        return await ReadIdsAsync(rows, cancel);
    }

    public static async Task<HashSet<long>> ReadIdsAsync(NpgsqlDataReader rows, CancellationToken cancel)
    {
        var ids = new HashSet<long>();
        while (await rows.ReadAsync(cancel))
        {
            ids.Add(rows.GetInt64(0));
        }

        return ids;
    }

    /// <summary>Ends runs in the connection's transaction.</summary>
    /// <returns>How many were held, and queues that have got ready jobs.</returns>
    public static async Task<(int Held, IReadOnlySet<string> Ready)> EndAsync(NpgsqlConnection connection, IReadOnlyList<JobEnding> endings, string worker, CancellationToken cancel)
    {
        var sorted = endings.OrderBy(ending => ending.Job.Id).ToArray(); // rows are locked in one order
        JobEnding[] away = [.. sorted.Where(ending => ending.Outcome is not null)];
        JobEnding[] back = [.. sorted.Where(ending => ending.Outcome is null)];
        var gone = new List<Gone>();
        await using (var batch = new NpgsqlBatch(connection))
        {
            if (away.Length > 0)
            {
                batch.BatchCommands.Add(EndSql.EndAway(away, worker));
            }

            if (back.Length > 0)
            {
                batch.BatchCommands.Add(EndSql.EndBack(back));
            }

            await using var rows = await batch.ExecuteReaderAsync(cancel);
            do
            {
                while (await rows.ReadAsync(cancel))
                {
                    gone.Add(Gone.Read(rows));
                }
            }
            while (await rows.NextResultAsync(cancel));
        }

        var ready = new HashSet<string>(await AfterEnd.ApplyAsync(connection, gone, cancel), StringComparer.Ordinal);
        ready.UnionWith(gone.Where(job => job.Outcome is null).Select(job => job.Queue));
        return (gone.Count, ready);
    }

    /// <summary>Ends runs in a transaction of their own; they are no longer held then.</summary>
    /// <returns>Queues that have got ready jobs.</returns>
    public static async Task<IReadOnlySet<string>> EndAllAsync(NpgsqlConnection connection, IReadOnlyList<JobEnding> endings, string worker, HeldRuns held, CancellationToken cancel)
    {
        if (endings.Count == 0)
        {
            return new HashSet<string>();
        }

        await using var transaction = await connection.BeginTransactionAsync(cancel);
        var (_, ready) = await EndAsync(connection, endings, worker, cancel);
        await transaction.CommitAsync(cancel);
        foreach (var ending in endings)
        {
            held.Remove(ending.Job.Id, ending.Job.Run);
        }

        return ready;
    }
}
