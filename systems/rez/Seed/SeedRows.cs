using Npgsql;

namespace Rez.Seed;

/// <summary>Writes the rows of some buckets into their database, a table after the other.</summary>
internal sealed class SeedRows(NpgsqlConnection connection, SeedPlaces places, Dataset dataset, People people, Sales sales)
{
    private const int ReservedMinutes = 15;
    private readonly LineRow[] _lines = new LineRow[Sales.MostLines];
    private readonly HashSet<int> _merchants = [];

    public Task AccountsAsync(int[] buckets, string password, CancellationToken cancel) => CopyAsync(
        "accounts (bucket_id, id, email, phone, name, role, acts_for, password_hash, created_at, updated_at)",
        buckets.SelectMany(places.Accounts).Select(people.Account),
        async (row, to) =>
        {
            await to.WriteAsync(row.Id.Bucket);
            await to.WriteAsync(row.Id.Value);
            await to.WriteAsync(row.Email);
            await (row.Phone is null ? to.WriteNullAsync() : to.WriteAsync(row.Phone));
            await to.WriteAsync(row.Name);
            await to.WriteAsync(row.Role);
            await (row.ActsFor is { } merchant ? to.WriteAsync((long)merchant) : to.WriteNullAsync());
            await to.WriteAsync(password);
            await to.WriteAsync(row.CreatedAt);
            await to.WriteAsync(row.CreatedAt);
        },
        cancel);

    public async Task OrdersAsync(int[] buckets, CancellationToken cancel)
    {
        var orders = buckets.SelectMany(places.Orders);
        await CopyAsync("orders (bucket_id, id, user_id, status, total_cents, ship_to, expires_at, changes, created_at, updated_at)", orders.Select(Order), async (row, to) =>
        {
            await to.WriteAsync(row.Id.Bucket);
            await to.WriteAsync(row.Id.Value);
            await to.WriteAsync(people.IdOf(row.Customer).Value);
            await to.WriteAsync(row.Kind.Status);
            await to.WriteAsync(Total(row, null));
            await to.WriteAsync(people.AddressOf(row.Customer));
            await to.WriteAsync(row.PlacedAt.AddMinutes(ReservedMinutes));
            await to.WriteAsync(row.Kind.Events.Length);
            await to.WriteAsync(row.PlacedAt);
            await to.WriteAsync(row.PlacedAt + row.Kind.Events[^1].After);
        }, cancel);
        await CopyAsync("merchant_orders (bucket_id, id, order_id, merchant_id, status, total_cents, shipped_at, updated_at)", orders.SelectMany(Parts), async (part, to) =>
        {
            await to.WriteAsync(part.Order.Id.Bucket);
            await to.WriteAsync(part.Order.Id.Value + part.Number);
            await to.WriteAsync(part.Order.Id.Value);
            await to.WriteAsync(part.Merchant);
            await to.WriteAsync(part.Order.Kind.Status);
            await to.WriteAsync(Total(part.Order, part.Merchant));
            await (part.Order.Kind.ShippedAfter is { } after ? to.WriteAsync(part.Order.PlacedAt + after) : to.WriteNullAsync());
            await to.WriteAsync(part.Order.PlacedAt + part.Order.Kind.Events[^1].After);
        }, cancel);
        await CopyAsync("order_lines (bucket_id, order_id, product_id, merchant_id, quantity, price_cents, name)", orders.SelectMany(Lines), async (row, to) =>
        {
            var product = dataset.Product(row.Line.Product);
            await to.WriteAsync(row.Order.Id.Bucket);
            await to.WriteAsync(row.Order.Id.Value);
            await to.WriteAsync(product.Id);
            await to.WriteAsync(row.Line.Merchant);
            await to.WriteAsync(row.Line.Quantity);
            await to.WriteAsync(row.Line.PriceCents);
            await to.WriteAsync(product.Name);
        }, cancel);
        await CopyAsync("order_events (bucket_id, order_id, number, kind, actor, at)", orders.SelectMany(Events), async (row, to) =>
        {
            await to.WriteAsync(row.Order.Id.Bucket);
            await to.WriteAsync(row.Order.Id.Value);
            await to.WriteAsync(row.Number);
            await to.WriteAsync(row.Event.Kind);
            await to.WriteAsync(row.Event.By switch
            {
                "user" => $"user:{people.IdOf(row.Order.Customer)}",
                "merchant" => $"merchant:{_lines[0].Merchant}",
                "admin" => $"admin:{people.IdOf(people.Count)}",
                _ => row.Event.By,
            });
            await to.WriteAsync(row.Order.PlacedAt + row.Event.After);
        }, cancel);
    }

    /// <summary>
    /// Every product has been sold as often as the orders say, and there are some hundred more; one of a hundred is sold out. What is paid and
    /// not shipped can still go back: its holds are known.
    /// </summary>
    public async Task StockAsync(int[] buckets, CancellationToken cancel)
    {
        await CopyAsync("stock (bucket_id, product_id, merchant_id, received, available, sold, updated_at)", buckets.SelectMany(bucket => places.Stock(bucket).Select(product => (bucket, product))), async (row, to) =>
        {
            var (id, sold) = (dataset.IdOf(row.product), sales.Sold[row.product]);
            var available = id % 100 == 99 ? 0 : 500 + (int)(id * 7919 % 1500);
            await to.WriteAsync(row.bucket);
            await to.WriteAsync(id);
            await to.WriteAsync(sales.MerchantOf(row.product));
            await to.WriteAsync((long)sold + available);
            await to.WriteAsync(available);
            await to.WriteAsync((long)sold);
            await to.WriteAsync(Dataset.Opening);
        }, cancel);
        var bucketOf = buckets.SelectMany(bucket => places.Stock(bucket).Select(product => (bucket, product))).ToDictionary(row => row.product, row => row.bucket);
        var held = Enumerable.Range(0, sales.Orders).Where(Sales.IsPaid).SelectMany(Lines).Where(row => bucketOf.ContainsKey(row.Line.Product));
        await CopyAsync("stock_holds (bucket_id, order_id, product_id, quantity, state, expires_at)", held, async (row, to) =>
        {
            await to.WriteAsync(bucketOf[row.Line.Product]);
            await to.WriteAsync(row.Order.Id.Value);
            await to.WriteAsync(dataset.IdOf(row.Line.Product));
            await to.WriteAsync(row.Line.Quantity);
            await to.WriteAsync("sold");
            await to.WriteAsync(row.Order.PlacedAt.AddMinutes(ReservedMinutes));
        }, cancel);
    }

    public async Task ReviewsAsync(int[] buckets, CancellationToken cancel)
    {
        await CopyAsync("reviews (bucket_id, id, product_id, user_id, order_id, rating, body, state, author, created_at, updated_at)", buckets.SelectMany(bucket => places.Reviews(bucket).Select(at => (bucket, at))), async (row, to) =>
        {
            var order = Order(row.at.Order);
            var review = Sales.Review(order, row.at.Line, _lines[row.at.Line].Product);
            await to.WriteAsync(row.bucket);
            await to.WriteAsync(SeedId.Of(review.CreatedAt, row.bucket, review.Line).Value);
            await to.WriteAsync(dataset.IdOf(review.Product));
            await to.WriteAsync(people.IdOf(order.Customer).Value);
            await to.WriteAsync(order.Id.Value);
            await to.WriteAsync((short)review.Rating);
            await to.WriteAsync(sales.TextOf(review));
            await to.WriteAsync(review.IsShown ? "shown" : "hidden");
            await to.WriteAsync(people.NameOf(order.Customer));
            await to.WriteAsync(review.CreatedAt);
            await to.WriteAsync(review.CreatedAt);
        }, cancel);
        var rated = buckets.SelectMany(bucket => places.Products(bucket).Select(product => (bucket, product, Rating: sales.RatingOf(product)))).Where(row => row.Rating.Count > 0);
        await CopyAsync("product_ratings (bucket_id, product_id, stars, count, sum, version, published)", rated, async (row, to) =>
        {
            await to.WriteAsync(row.bucket);
            await to.WriteAsync(dataset.IdOf(row.product));
            await to.WriteAsync(row.Rating.Stars);
            await to.WriteAsync(row.Rating.Count);
            await to.WriteAsync(row.Rating.Sum);
            await to.WriteAsync(1);
            await to.WriteAsync(1);
        }, cancel);
    }

    private Task CopyAsync<T>(string target, IEnumerable<T> rows, Func<T, NpgsqlBinaryImporter, Task> write, CancellationToken cancel) => Copy.RunAsync(connection, target, rows, write, cancel);

    /// <summary>An order; its lines are in <see cref="_lines"/> until the next one.</summary>
    private OrderRow Order(int index) => sales.Order(index, _lines);

    private IEnumerable<(OrderRow Order, LineRow Line)> Lines(int index)
    {
        var order = Order(index);
        for (var line = 0; line < order.Kind.Lines; line++)
        {
            yield return (order, _lines[line]);
        }
    }

    private IEnumerable<(OrderRow Order, int Number, OrderEvent Event)> Events(int index)
    {
        var order = Order(index);
        for (var at = 0; at < order.Kind.Events.Length; at++)
        {
            yield return (order, at + 1, order.Kind.Events[at]);
        }
    }

    private IEnumerable<(OrderRow Order, int Number, int Merchant)> Parts(int index)
    {
        var order = Order(index);
        _merchants.Clear();
        for (var line = 0; line < order.Kind.Lines; line++)
        {
            if (_merchants.Add(_lines[line].Merchant))
            {
                yield return (order, _merchants.Count, _lines[line].Merchant);
            }
        }
    }

    private long Total(OrderRow order, int? merchant)
    {
        var total = 0L;
        foreach (var line in _lines.AsSpan(0, order.Kind.Lines))
        {
            total += merchant is null || line.Merchant == merchant ? (long)line.Quantity * line.PriceCents : 0;
        }

        return total;
    }
}
