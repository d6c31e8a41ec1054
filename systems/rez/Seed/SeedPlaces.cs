using Tenfold.Postgres.Shards;

namespace Rez.Seed;

/// <summary>Which rows are in which bucket, in the order of their keys, so that a bucket's rows are loaded one after the other.</summary>
internal sealed class SeedPlaces
{
    private readonly Grouped _accounts;
    private readonly Grouped _orders;
    private readonly Grouped _products;
    private readonly Grouped _stock;
    private readonly Grouped _reviews;

    public SeedPlaces(BucketScheme scheme, Dataset dataset, People people, Sales sales)
    {
        var lines = new LineRow[Sales.MostLines];
        var accounts = Enumerable.Range(0, people.Count + 1).Select(people.BucketOf).ToArray();
        var merchants = Enumerable.Range(0, dataset.Merchants.Length + 1).Select(merchant => scheme.BucketOf(merchant)).ToArray();
        var products = Enumerable.Range(0, dataset.Products).Select(product => scheme.BucketOf(dataset.IdOf(product))).ToArray();
        var orders = new int[sales.Orders];
        var reviews = new int[sales.Reviews];
        Reviewed = new int[sales.Reviews];
        for (int index = 0, review = 0; index < orders.Length; index++)
        {
            var order = sales.Order(index, lines);
            orders[index] = accounts[order.Customer];
            for (var line = 0; line < order.Kind.Reviews; line++, review++)
            {
                (Reviewed[review], reviews[review]) = ((index * Sales.MostLines) + line, products[lines[line].Product]);
            }
        }

        _accounts = new Grouped([.. accounts.Skip(1)], scheme.Count);
        _orders = new Grouped(orders, scheme.Count);
        _products = new Grouped(products, scheme.Count);
        _stock = new Grouped([.. Enumerable.Range(0, dataset.Products).Select(product => merchants[sales.MerchantOf(product)])], scheme.Count);
        _reviews = new Grouped(reviews, scheme.Count);
    }

    /// <summary>Of each review: its order × <see cref="Sales.MostLines"/> + its line.</summary>
    private int[] Reviewed { get; }

    /// <summary>Numbers of accounts.</summary>
    public IEnumerable<int> Accounts(int bucket) => _accounts.Of(bucket).Select(index => index + 1);

    /// <summary>Indexes of orders, by the bucket of their customer.</summary>
    public IEnumerable<int> Orders(int bucket) => _orders.Of(bucket);

    /// <summary>Indexes of products, by the bucket of the product.</summary>
    public IEnumerable<int> Products(int bucket) => _products.Of(bucket);

    /// <summary>Indexes of products, by the bucket of their merchant.</summary>
    public IEnumerable<int> Stock(int bucket) => _stock.Of(bucket);

    /// <summary>Order and line of reviews, by the bucket of their product.</summary>
    public IEnumerable<(int Order, int Line)> Reviews(int bucket) => _reviews.Of(bucket).Select(review => Math.DivRem(Reviewed[review], Sales.MostLines));

    private sealed class Grouped
    {
        private readonly int[] _indexes;
        private readonly int[] _first;

        public Grouped(int[] of, int groups)
        {
            _indexes = new int[of.Length];
            _first = Sales.Group(_indexes, of, groups);
        }

        public IEnumerable<int> Of(int group) => new ArraySegment<int>(_indexes, _first[group], _first[group + 1] - _first[group]);
    }
}
