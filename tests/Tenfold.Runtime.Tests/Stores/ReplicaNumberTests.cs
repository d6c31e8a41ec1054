using Npgsql;
using Tenfold.Guide;
using Tenfold.Runtime.Stores;

namespace Tenfold.Runtime.Tests.Stores;

/// <summary>Replicas that come and go while a real server runs.</summary>
public sealed class ReplicaNumberTests : IAsyncDisposable
{
    private const string Slots = "SELECT string_agg(slot_name, ',' ORDER BY slot_name) FROM pg_replication_slots";

    private const string Leaving = "SELECT current_setting('tenfold.leaving')";

    private readonly Replicated _main = new();

    public ValueTask DisposeAsync() => _main.DisposeAsync();

    [Fact]
    public async Task Replicas_come_as_copies_and_leave_when_nobody_reads_from_them_any_more()
    {
        await _main.StartAsync(replicas: 1, scale: new StoreScale { Max = 2 });
        var reach = _main.ConnectionString;
        Assert.Equal(3, new NpgsqlConnectionStringBuilder(reach).Host!.Split(',').Length);
        await _main.WriteAsync("CREATE TABLE kept (x int); INSERT INTO kept VALUES (1)");

        await _main.ScaleAsync(2);
        Assert.Equal(["main", "main.1", "main.2"], _main.Status().Select(one => one.Name));
        await _main.WriteAsync("INSERT INTO kept VALUES (2)");
        await _main.FollowedAsync();
        Assert.Equal("tenfold_node_1,tenfold_node_2", await Replicated.QueryAsync(_main.AdminOf("main"), Slots));
        var (first, second) = (_main.On("main.1"), _main.On("main.2"));
        Assert.Equal(2L, await Replicated.QueryAsync(second, "SELECT count(*) FROM kept"));

        // Somebody is in the middle of a read on the one that is to leave.
        await using var reader = new NpgsqlConnection(second);
        await reader.OpenAsync();
        await using var transaction = await reader.BeginTransactionAsync();
        Assert.Equal(2L, await ReadAsync(reader));
        var smaller = _main.ScaleAsync(1);
        await _main.ReportedAsync("the replica main.2 is to leave: it is read from no more");
        object? says = null;
        await Limits.UntilAsync(() => says is "on", async () => says = await Replicated.QueryAsync(second, Leaving), "the server to say that it leaves");
        Assert.Equal("off", await Replicated.QueryAsync(first, Leaving));
        Assert.Equal(2L, await ReadAsync(reader));
        Assert.False(smaller.IsCompleted);
        await transaction.CommitAsync();
        await smaller;
        Assert.Equal(["main", "main.1"], _main.Status().Select(one => one.Name));
        Assert.Equal("tenfold_node_1", await Replicated.QueryAsync(_main.AdminOf("main"), Slots));
        Assert.False(Directory.Exists(_main.Data("main.2")));

        // It comes back where apps look for it.
        await _main.ScaleAsync(2);
        Assert.Equal(reach, _main.ConnectionString);
        Assert.Equal(2L, await Replicated.QueryAsync(second, "SELECT count(*) FROM kept"));
        Assert.Equal("off", await Replicated.QueryAsync(second, Leaving));
    }

    [Fact]
    [Trait("Suite", "soak")]
    public async Task A_replica_that_commits_wait_for_leaves_when_the_others_have_them()
    {
        var scale = new StoreScale { Max = 2 };
        await _main.StartAsync(replicas: 2, synchronous: true, scale: scale);
        await _main.WriteAsync("CREATE TABLE kept (x int)");
        await Limits.UntilAsync(() => _main.Synced().Count == 2, "both replicas to have every commit");

        // A run that begins with fewer than were recorded.
        await _main.StartAsync(replicas: 1, synchronous: true, scale: scale);
        await Limits.UntilAsync(() => _main.Synced() is [1], "the record to be of the one that is left");
        await _main.ScaleAsync(2);
        await Limits.UntilAsync(() => _main.Synced().Count == 2, "the new one to have every commit, too");
        await _main.ScaleAsync(1);

        Assert.Equal([1], _main.Synced());
        await _main.WriteAsync("INSERT INTO kept VALUES (1)");
        var error = await Assert.ThrowsAsync<RuntimeException>(() => _main.ScaleAsync(3));
        Assert.Equal("main has 1 to 2 replicas, found 3; more need stores.main.scale.max and a new start", error.Message);
    }

    private static async Task<object?> ReadAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand("SELECT count(*) FROM kept", connection);
        return await command.ExecuteScalarAsync();
    }
}
