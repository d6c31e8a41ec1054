using System.Collections.Concurrent;
using Commons.Data;
using Tenfold.Postgres;

namespace Rez.Stock;

/// <summary>Whose a product is. That never changes, so what was asked once is remembered. Thread-safe.</summary>
internal sealed class ProductPlaces(PostgresStore home)
{
    // 100,000 take some 8 MB; a shop's daily orders are of far fewer.
    private const int MostKnown = 100_000;

    private readonly ConcurrentDictionary<long, int> _merchants = new();

    /// <summary>The merchants of products; those that do not exist are left out.</summary>
    public async ValueTask<IReadOnlyDictionary<long, int>> MerchantsOfAsync(IReadOnlyCollection<long> products, Caller? caller, CancellationToken cancel)
    {
        var found = new Dictionary<long, int>(products.Count);
        List<long>? unknown = null;
        foreach (var product in products)
        {
            if (_merchants.TryGetValue(product, out var merchant))
            {
                found[product] = merchant;
            }
            else
            {
                (unknown ??= []).Add(product);
            }
        }

        if (unknown is null)
        {
            return found;
        }

        await using var connection = await home.OpenReaderAsync(caller, cancel);
        var rows = await Sql.ListAsync(
            Sql.Command(connection, "SELECT id, merchant_id FROM products WHERE id = ANY ($1)", unknown.ToArray()),
            row => (Product: row.GetInt64(0), Merchant: row.GetInt32(1)),
            cancel);
        if (_merchants.Count > MostKnown)
        {
            _merchants.Clear();
        }

        foreach (var (product, merchant) in rows)
        {
            found[product] = _merchants[product] = merchant;
        }

        return found;
    }

    /// <summary>The merchant of a product; null when there is no such product.</summary>
    public async ValueTask<int?> MerchantOfAsync(long product, Caller? caller, CancellationToken cancel) =>
        (await MerchantsOfAsync([product], caller, cancel)).TryGetValue(product, out var merchant) ? merchant : null;
}
