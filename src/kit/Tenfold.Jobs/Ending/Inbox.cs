using Npgsql;

namespace Tenfold.Jobs.Ending;

/// <summary>Remembers what has happened in the transaction in which it happens, so that it happens once. Rows are forgotten after <see cref="Kept"/>.</summary>
public static class Inbox
{
    /// <summary>How long an effect is remembered: longer than anything is delivered again.</summary>
    public static TimeSpan Kept { get; } = TimeSpan.FromDays(30);

    /// <summary>True for the first transaction that commits with this message, false for later ones. Concurrent ones wait for the first to end.</summary>
    /// <param name="connection">In the transaction that has the effect.</param>
    /// <param name="source">Where messages come from, e.g. <c>payments</c>.</param>
    /// <param name="id">The message's id there.</param>
    /// <param name="cancel">Ends the wait.</param>
    public static async Task<bool> EnterAsync(NpgsqlConnection connection, string source, string id, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(connection);
        await using var command = new NpgsqlCommand("INSERT INTO tenfold.job_inbox (source, id) VALUES ($1, $2) ON CONFLICT DO NOTHING", connection)
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = source }, new NpgsqlParameter<string> { TypedValue = id } },
        };
        return await command.ExecuteNonQueryAsync(cancel) == 1;
    }
}
