using Npgsql;

namespace Tenfold.AspNetCore.Stores;

/// <summary>How readiness asks whether a store answers.</summary>
/// <param name="name">The store.</param>
/// <param name="ask">Throws when the store does not answer.</param>
/// <param name="owned">Disposed with the probe.</param>
internal sealed class StoreProbe(string name, Func<CancellationToken, Task> ask, IAsyncDisposable? owned) : IAsyncDisposable
{
    public string Name => name;

    /// <summary>On a connection of its own: a pool emptied by traffic is not illness.</summary>
    public static StoreProbe Of(string name, NpgsqlConnectionStringBuilder full)
    {
        var settings = new NpgsqlConnectionStringBuilder(full.ConnectionString) { MinPoolSize = 0, MaxPoolSize = 1, ApplicationName = "health" };
        var source = new NpgsqlDataSourceBuilder(settings.ConnectionString) { Name = name + "-health" }.Build();
        return new StoreProbe(name, AskAsync, source);

        async Task AskAsync(CancellationToken cancel)
        {
            await using var command = source.CreateCommand("SELECT 1");
            await command.ExecuteScalarAsync(cancel);
        }
    }

    /// <summary>Throws when the store does not answer.</summary>
    public Task AnswersAsync(CancellationToken cancel) => ask(cancel);

    public ValueTask DisposeAsync() => owned?.DisposeAsync() ?? default;
}
