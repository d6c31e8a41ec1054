using System.Net;
using Commons.Accounts;
using Rez.Tests.Orders;

namespace Rez.Tests.Shards;

/// <summary>Orders whose buyers and merchants are in different databases.</summary>
[Collection(nameof(Estate))]
public sealed class OrdersOverShardsTests(Estate estate)
{
    private const int Units = 4;

    [Fact]
    public async Task Orders_at_merchants_of_several_databases_sell_exactly_what_is_there_in_whatever_order_it_is_named()
    {
        var products = Enumerable.Range(0, 90).Select(estate.Dataset.Product).GroupBy(product => estate.Store.Shard(product.MerchantId).Database).Select(of => of.First()).ToArray();
        Assert.True(products.Length > 1);
        foreach (var product in products)
        {
            await estate.ScalarAsync(estate.Store.Shard(product.MerchantId).Database, $"UPDATE stock SET available = {Units}, received = {Units} + reserved + sold WHERE product_id = {product.Id} RETURNING 1");
        }

        var before = await ReservedAsync(products.Select(product => product.Id));
        var items = products.Select(product => (product.Id, 1)).ToArray();
        var buyers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => estate.LogIn(Access.Customer)));
        Assert.True(buyers.Select(buyer => estate.Store.Shard(buyer.Identity.User).Database).Distinct().Count() > 1);
        var answers = await Task.WhenAll(Enumerable.Range(0, 18).Select(async i =>
        {
            using var response = await buyers[i % buyers.Length].Http.OrderAsync(i % 2 == 0 ? items : [.. items.Reverse()]);
            return response.StatusCode;
        }));
        Assert.Equal((Units, 18 - Units), (answers.Count(status => status == HttpStatusCode.Created), answers.Count(status => status == HttpStatusCode.Conflict)));
        Assert.Equal(before + (Units * products.Length), await ReservedAsync(products.Select(product => product.Id)));
    }

    private async Task<long> ReservedAsync(IEnumerable<long> products) =>
        (await estate.CountAsync($"SELECT coalesce(sum(reserved), 0)::bigint FROM stock WHERE product_id IN ({string.Join(',', products)})")).Sum();
}
