namespace Tenfold.Postgres.Tests.Support;

/// <summary>A primary and a replica that tests kill, freeze and promote, one test after the other: what one leaves, the next goes on with.</summary>
public sealed class Pair : IAsyncLifetime
{
    private PostgresServer? _replica;

    public PostgresServer Primary { get; private set; } = null!;

    /// <summary>A replica of the primary; made anew where the last one has become the primary.</summary>
    public async Task<PostgresServer> ReplicaAsync() => _replica ??= await Primary.ReplicaAsync();

    /// <summary>The replica was promoted: it is the primary of the next test, and the old one is of no use to it.</summary>
    public async Task ReplacedAsync()
    {
        await Primary.DisposeAsync();
        (Primary, _replica) = (_replica!, null);
    }

    public async ValueTask InitializeAsync() => Primary = await PostgresServer.StartAsync();

    public async ValueTask DisposeAsync()
    {
        if (_replica is not null)
        {
            await _replica.DisposeAsync();
        }

        if (Primary is not null)
        {
            await Primary.DisposeAsync();
        }
    }
}
