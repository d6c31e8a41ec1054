using Tenfold.Postgres.Shards;

namespace Tenfold.Postgres.Tests.Shards;

[Collection(ShardServer.Name)]
public sealed class UniqueValuesTests(ShardServer server)
{
    [Fact]
    public async Task Of_many_who_want_a_value_at_once_one_gets_it()
    {
        var layout = await server.DatabasesAsync(2);
        await using var store = await layout.StartAsync(2);
        var emails = store.Unique("email");

        var won = await Task.WhenAll(Enumerable.Range(0, 12).Select(user => emails.WriteAsync("a@example.org", user, Insert(user), null, default)));

        Assert.Single(won, one => one);
        Assert.Equal(1L, (long)(await layout.ExecuteAsync(0, "SELECT count(*) FROM orders"))! + (long)(await layout.ExecuteAsync(1, "SELECT count(*) FROM orders"))!);
        Assert.True(await emails.WriteAsync("b@example.org", 99, Insert(99), null, default));
        Assert.True(await store.Unique("phone").WriteAsync("a@example.org", 100, Insert(100), null, default));
        Assert.Equal(0L, await layout.ExecuteAsync(0, "SELECT count(*) FROM tenfold.shard_claims WHERE NOT refused"));
    }

    [Fact]
    public async Task A_row_that_cannot_be_written_leaves_the_value_free()
    {
        var layout = await server.DatabasesAsync(1);
        await using var store = await layout.StartAsync(1);
        var emails = store.Unique("email");

        await Assert.ThrowsAsync<InvalidDataException>(() => emails.WriteAsync("a", 1, (_, _) => throw new InvalidDataException("no"), null, default));

        Assert.True(await emails.WriteAsync("a", 2, Insert(2), null, default));
    }

    [Fact]
    public async Task Whoever_dies_after_the_commit_keeps_the_value()
    {
        var layout = await server.DatabasesAsync(2);
        await using var store = await layout.StartAsync(2);
        var emails = store.Unique("email");
        var reservation = await emails.ReserveAsync("a", 1, TimeSpan.Zero, default);
        await store.WriteAsync(1, Claiming(reservation!, 1), null, default);

        // Not confirmed: the process is gone. The next one finds the claim.
        Assert.False(await emails.WriteAsync("a", 2, Insert(2), null, default));
        Assert.Equal(true, await layout.ExecuteAsync(0, "SELECT confirmed FROM tenfold.shard_reservations"));
    }

    [Fact]
    public async Task Whoever_dies_before_the_commit_loses_the_value_and_cannot_come_back()
    {
        var layout = await server.DatabasesAsync(2);
        await using var store = await layout.StartAsync(2);
        var emails = store.Unique("email");
        var slow = await emails.ReserveAsync("a", 1, TimeSpan.Zero, default);

        Assert.True(await emails.WriteAsync("a", 2, Insert(2), null, default));

        var failure = await Assert.ThrowsAsync<ShardException>(() => store.WriteAsync(1, Claiming(slow!, 1), null, default));
        Assert.Equal(ShardFailure.Reservation, failure.Failure);
        Assert.Equal(1L, (long)(await layout.ExecuteAsync(0, "SELECT count(*) FROM orders"))! + (long)(await layout.ExecuteAsync(1, "SELECT count(*) FROM orders"))!);
        Assert.Equal(1, await emails.SweepAsync(TimeSpan.Zero, default));
    }

    [Fact]
    public async Task A_reservation_that_has_not_expired_is_not_settled()
    {
        var layout = await server.DatabasesAsync(1);
        await using var store = await layout.StartAsync(1);
        var emails = store.Unique("email");
        var mine = await emails.ReserveAsync("a", 1, TimeSpan.FromHours(1), default);

        Assert.Null(await emails.ReserveAsync("a", 2, TimeSpan.FromHours(1), default));
        await store.WriteAsync(1, Claiming(mine!, 1), null, default);
        await emails.ConfirmAsync(mine!, default);
        await emails.ReleaseAsync("a", 1, default);
        Assert.NotNull(await emails.ReserveAsync("a", 2, TimeSpan.FromHours(1), default));
    }

    private static Func<ShardTransaction, CancellationToken, Task> Insert(long id) => (transaction, cancel) =>
        Sql.ExecuteAsync(transaction.Connection, "INSERT INTO orders (bucket_id, id, customer) VALUES ($1, $2, $2)", cancel, transaction.Bucket, id);

    private static Func<ShardTransaction, CancellationToken, Task<bool>> Claiming(Reservation reservation, long id) => async (transaction, cancel) =>
    {
        await UniqueValues.ClaimAsync(transaction, reservation, cancel);
        await Insert(id)(transaction, cancel);
        return true;
    };
}
