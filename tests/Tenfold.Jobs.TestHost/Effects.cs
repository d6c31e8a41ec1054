using System.Text.Json.Serialization;
using Npgsql;
using Tenfold.Postgres;

namespace Tenfold.Jobs.TestHost;

/// <summary>Counted in a table, in a transaction that completes the job.</summary>
[Job("effect", Queue = "effects")]
internal sealed record Effect(int Number);

/// <summary>Counted once by the inbox, and once more without it.</summary>
[Job("inbox", Queue = "effects")]
internal sealed record InboxEffect(int Number);

/// <summary>Ends the process.</summary>
[Job("poison", Queue = "poison")]
internal sealed record Poison(int Number);

[JsonSerializable(typeof(Effect))]
[JsonSerializable(typeof(InboxEffect))]
[JsonSerializable(typeof(Poison))]
internal sealed partial class HostJson : JsonSerializerContext;

internal sealed class Effects(PostgresStore store) : IJobHandler<Effect>, IJobHandler<InboxEffect>, IJobHandler<Poison>
{
    public async Task HandleAsync(Effect job, JobContext context, CancellationToken cancel)
    {
        await using var connection = await store.OpenWriterAsync(null, cancel);
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        await ExecuteAsync(connection, $"INSERT INTO effects VALUES ({context.Id})", cancel);
        await context.CompleteAsync(transaction, cancel);
        await transaction.CommitAsync(cancel);
    }

    public async Task HandleAsync(InboxEffect job, JobContext context, CancellationToken cancel)
    {
        await using var connection = await store.OpenWriterAsync(null, cancel);
        await ExecuteAsync(connection, $"INSERT INTO attempts VALUES ({context.Id})", cancel);
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        if (await context.OnceAsync(connection, cancel: cancel))
        {
            await ExecuteAsync(connection, $"INSERT INTO effects VALUES ({context.Id})", cancel);
        }

        await transaction.CommitAsync(cancel);
    }

    public Task HandleAsync(Poison job, JobContext context, CancellationToken cancel)
    {
        Environment.FailFast("as a handler does that runs out of memory");
        return Task.CompletedTask;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancel);
    }
}
