using Rez.Orders;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Tests.Shards;

/// <summary>Users, carts, orders and reviews: where their rows are, and how they are found again.</summary>
[Collection(nameof(Estate))]
public sealed class TablesTests(Estate estate)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Users_are_found_by_id_e_mail_and_phone_wherever_they_are()
    {
        var databases = new HashSet<int>();
        for (var i = 0; i < 8; i++)
        {
            var caller = new Caller();
            var id = (await estate.Users.AddAsync($" Found{i}@Example.com ", $"+49 (30) 1000-{i}", $"User {i}", caller, Cancel)).Id!.Value;
            var user = (await estate.Users.FindAsync(id, caller, Cancel))!;
            Assert.Equal((id, $"found{i}@example.com", $"+49301000{i}", $"User {i}"), (user.Id, user.Email, user.Phone, user.Name));
            Assert.Equal(user, await estate.Users.WithEmailAsync($"FOUND{i}@example.com", caller, Cancel));
            Assert.Equal(user, await estate.Users.WithPhoneAsync($"+49 30 1000 {i}", caller, Cancel));
            Assert.Equal(1L, await estate.ScalarAsync(estate.Store.Shard(id).Database, $"SELECT count(*) FROM users WHERE bucket_id = {id.Bucket} AND id = {id}"));
            databases.Add(estate.Store.Shard(id).Database);
        }

        Assert.True(databases.Count > 1);
        Assert.Null(await estate.Users.WithEmailAsync("nobody@example.com", null, Cancel));
    }

    [Fact]
    public async Task An_e_mail_address_and_a_phone_number_are_taken_once_and_a_refused_user_takes_neither()
    {
        Assert.NotNull((await estate.Users.AddAsync("one@example.com", "+15550001", "One", null, Cancel)).Id);
        Assert.Equal("email", (await estate.Users.AddAsync("ONE@example.com", "+15550002", "Two", null, Cancel)).Taken);
        Assert.Equal("phone", (await estate.Users.AddAsync("two@example.com", "+15550001", "Two", null, Cancel)).Taken);
        Assert.NotNull((await estate.Users.AddAsync("two@example.com", "+15550002", "Two", null, Cancel)).Id);
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => estate.Users.AddAsync("three@example.com", "not a number", "Three", null, Cancel));
        Assert.NotNull((await estate.Users.AddAsync("three@example.com", null, "Three", null, Cancel)).Id);

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(i => estate.Users.AddAsync("race@example.com", $"+1556000{i}", "Race", null, Cancel)));
        Assert.Single(answers, answer => answer.Id is not null);
        Assert.Equal(1L, (await estate.CountAsync("SELECT count(*) FROM users WHERE email = 'race@example.com'")).Sum());
    }

    [Fact]
    public async Task A_cart_is_its_user_s_and_an_order_takes_out_of_it_what_was_ordered()
    {
        var caller = new Caller();
        var user = (await estate.Users.AddAsync("cart@example.com", null, "Cart", caller, Cancel)).Id!.Value;
        await estate.Carts.SetAsync(user, 1, 2, caller, Cancel);
        await estate.Carts.SetAsync(user, 2, 1, caller, Cancel);
        await estate.Carts.SetAsync(user, 3, 5, caller, Cancel);
        await estate.Carts.SetAsync(user, 2, 4, caller, Cancel);
        await estate.Carts.SetAsync(user, 3, 0, caller, Cancel);
        Assert.Equal([(1L, 2), (2L, 4)], (await estate.Carts.ListAsync(user, caller, Cancel)).Select(item => (item.ProductId, item.Quantity)));

        var placed = await estate.Orders.PlaceAsync(user, merchant: 7, [new OrderLine(1, 2, 1050, "Jam")], caller, Cancel);
        Assert.Equal((user, 7, "pending", 2100L), (placed.UserId, placed.MerchantId, placed.Status, placed.TotalCents));
        Assert.Equal(user.Bucket, placed.Id.Bucket);
        Assert.Equal([2L], (await estate.Carts.ListAsync(user, caller, Cancel)).Select(item => item.ProductId));
        var (order, lines) = (await estate.Orders.FindAsync(placed.Id, caller, Cancel))!.Value;
        Assert.Equal(placed, order);
        Assert.Equal([new OrderLine(1, 2, 1050, "Jam")], lines);
        Assert.Null(await estate.Orders.FindAsync(user, caller, Cancel));
    }

    [Fact]
    public async Task Orders_of_a_user_come_from_one_database_and_those_of_a_merchant_from_all_page_by_page()
    {
        const int Merchant = 41;
        var caller = new Caller();
        var users = new List<ShardId>();
        for (var i = 0; i < 5; i++)
        {
            users.Add((await estate.Users.AddAsync($"orders{i}@example.com", null, "Orders", caller, Cancel)).Id!.Value);
        }

        var placed = new List<Order>();
        for (var i = 0; i < 20; i++)
        {
            placed.Add(await estate.Orders.PlaceAsync(users[i % 5], Merchant, [new OrderLine(i + 1, 1, 100, "Thing")], caller, Cancel));
        }

        Assert.True(placed.Select(order => estate.Store.Shard(order.Id).Database).Distinct().Count() > 1);
        var ofUser = placed.Where(order => order.UserId == users[2]).OrderByDescending(order => order.Id).ToList();
        Assert.Equal(ofUser[..2], await estate.Orders.OfUserAsync(users[2], null, 2, caller, Cancel));
        Assert.Equal(ofUser[2..], await estate.Orders.OfUserAsync(users[2], ofUser[1].Id, 10, caller, Cancel));

        Assert.True(await estate.Orders.MoveOnAsync(placed[3].Id, "pending", "paid", caller, Cancel));
        Assert.False(await estate.Orders.MoveOnAsync(placed[3].Id, "pending", "paid", caller, Cancel));
        Assert.Equal([placed[3].Id], (await estate.Orders.OfMerchantAsync(Merchant, "paid", null, 10, caller, Cancel)).Rows.Select(order => order.Id));

        var paged = new List<ShardId>();
        ScatterPage<Order> page;
        do
        {
            page = await estate.Orders.OfMerchantAsync(Merchant, "pending", paged.Count == 0 ? null : paged[^1], 7, caller, Cancel);
            paged.AddRange(page.Rows.Select(order => order.Id));
        }
        while (page.More);
        Assert.Equal(placed.Where(order => order.Id != placed[3].Id).Select(order => order.Id).OrderDescending(), paged);
        Assert.Superset(paged.ToHashSet(), (await estate.Orders.WithStatusAsync("pending", null, 1_000, caller, Cancel)).Rows.Select(order => order.Id).ToHashSet());
    }

    [Fact]
    public async Task Reviews_are_at_their_product_and_one_for_each_order_of_it()
    {
        var caller = new Caller();
        var user = (await estate.Users.AddAsync("review@example.com", null, "Review", caller, Cancel)).Id!.Value;
        var first = await estate.Orders.PlaceAsync(user, 1, [new OrderLine(11, 1, 100, "A"), new OrderLine(12, 1, 100, "B")], caller, Cancel);
        var second = await estate.Orders.PlaceAsync(user, 1, [new OrderLine(11, 1, 100, "A")], caller, Cancel);
        var one = (await estate.Reviews.AddAsync(11, user, first.Id, 5, "Good", caller, Cancel))!;
        Assert.Null(await estate.Reviews.AddAsync(11, user, first.Id, 1, "Bad after all", caller, Cancel));
        var two = (await estate.Reviews.AddAsync(11, user, second.Id, 4, "Again", caller, Cancel))!;
        var three = (await estate.Reviews.AddAsync(12, user, first.Id, 3, "Hm", caller, Cancel))!;

        Assert.Equal([two, one], await estate.Reviews.OfProductAsync(11, null, 10, caller, Cancel));
        Assert.Equal([one], await estate.Reviews.OfProductAsync(11, two.Id, 10, caller, Cancel));
        Assert.Equal([three, two, one], (await estate.Reviews.OfUserAsync(user, null, 10, caller, Cancel)).Rows);
        Assert.Equal(estate.Store.Shard(11).Bucket, one.Id.Bucket);
    }
}
