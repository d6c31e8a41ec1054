using Npgsql;

namespace Tenfold.AspNetCore.Stores;

/// <summary>How readiness asks whether a store answers. On a connection of its own: a pool emptied by traffic is not illness.</summary>
internal sealed class StoreProbe(string name, NpgsqlDataSource source) : IAsyncDisposable
{
    public string Name => name;

    /// <summary>Throws when the store does not answer.</summary>
    public async Task AnswersAsync(CancellationToken cancel)
    {
        await using var command = source.CreateCommand("SELECT 1");
        await command.ExecuteScalarAsync(cancel);
    }

    public ValueTask DisposeAsync() => source.DisposeAsync();
}
