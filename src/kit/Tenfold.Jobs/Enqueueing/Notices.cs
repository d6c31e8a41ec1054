using Npgsql;
using Tenfold.Jobs.Schema;

namespace Tenfold.Jobs.Enqueueing;

/// <summary>Tells workers that queues have got ready jobs, on the connection of whoever has made them so: see <see cref="Waker"/> for enqueued ones.</summary>
internal static class Notices
{
    public static async Task SendAsync(NpgsqlConnection connection, IReadOnlyCollection<string> queues, CancellationToken cancel)
    {
        if (queues.Count == 0)
        {
            return;
        }

        await using var command = new NpgsqlCommand($"SELECT pg_notify('{JobSchema.Channel}', queue) FROM unnest($1) AS queue", connection)
        {
            Parameters = { new NpgsqlParameter<string[]> { TypedValue = [.. queues] } },
        };
        await command.ExecuteNonQueryAsync(cancel);
    }
}
