using Npgsql;
using Tenfold.Jobs.Ending;
using Tenfold.Jobs.Enqueueing;
using Tenfold.Jobs.Schema;

namespace Tenfold.Jobs.Administration;

/// <summary>What <see cref="JobAdmin.CancelAsync"/> did.</summary>
public enum CancelResult
{
    /// <summary>It waited, and has ended now.</summary>
    Cancelled,

    /// <summary>It runs, and its worker tells the handler within about a second.</summary>
    Requested,
}

/// <summary>Ends jobs that somebody does not want any more.</summary>
internal static class Cancellation
{
    private const int Looks = 4; // it may be on its way from one table to another

    // Kept whatever the queue keeps: trimmed later, as all history is.
    private static readonly string End = $"""
        WITH done AS (DELETE FROM tenfold.jobs WHERE id = $1 RETURNING *),
        freed AS (DELETE FROM tenfold.job_edges WHERE child IN (SELECT id FROM done)),
        kept AS (INSERT INTO tenfold.jobs_ended ({JobSchema.Columns}, outcome, ended_at) SELECT {JobSchema.Columns}, 3, clock_timestamp() FROM done)
        SELECT {AfterEnd.Columns.Replace("holds_key", "false", StringComparison.Ordinal).Replace("outcome", "3::smallint", StringComparison.Ordinal)} FROM done
        """;

    /// <summary>Cancels a job. Null: there is none of that id.</summary>
    /// <exception cref="JobException">It has ended already.</exception>
    public static async Task<CancelResult?> CancelAsync(NpgsqlConnection connection, long id, CancellationToken cancel)
    {
        for (var look = 0; look < Looks; look++)
        {
            if (await EndAsync(connection, id, cancel))
            {
                return CancelResult.Cancelled;
            }

            await using var ask = new NpgsqlCommand("UPDATE tenfold.jobs_running SET cancelled = true WHERE id = $1", connection) { Parameters = { new NpgsqlParameter<long> { TypedValue = id } } };
            if (await ask.ExecuteNonQueryAsync(cancel) > 0)
            {
                return CancelResult.Requested;
            }

            if ((await JobReader.FindAsync(connection, id, cancel))?.State is { } state and > JobState.Running)
            {
                throw new JobException($"job {id} has {state switch { JobState.Completed => "completed", JobState.Failed => "failed", _ => "been cancelled" }} already");
            }
        }

        return null;
    }

    private static async Task<bool> EndAsync(NpgsqlConnection connection, long id, CancellationToken cancel)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        var gone = new List<Gone>();
        await using (var end = new NpgsqlCommand(End, connection) { Parameters = { new NpgsqlParameter<long> { TypedValue = id } } })
        {
            await using var rows = await end.ExecuteReaderAsync(cancel);
            while (await rows.ReadAsync(cancel))
            {
                gone.Add(Gone.Read(rows));
            }
        }

        if (gone.Count == 0)
        {
            return false;
        }

        var ready = await AfterEnd.ApplyAsync(connection, gone, cancel);
        await transaction.CommitAsync(cancel);
        await Notices.SendAsync(connection, [.. ready], cancel);
        return true;
    }
}
