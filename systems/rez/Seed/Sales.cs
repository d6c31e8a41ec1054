using Rez.Reviews;

namespace Rez.Seed;

/// <summary>
/// What was ordered and what the buyers say: four orders for five products, two reviews an order. Every twenty orders are alike in
/// what became of them, so that any order is made without the ones before it and their numbers come out even. Popular products
/// sell more (as their popularity, by the power 0.75 of their rank), and an order's further lines are mostly of the same merchant.
/// </summary>
internal sealed class Sales
{
    /// <summary>Most lines that an order has here.</summary>
    public const int MostLines = 8;

    private const double Offset = 20; // keeps the most popular product at about one sale in a thousand

    private static readonly DateTime From = new(2025, 4, 1, 0, 0, 0, DateTimeKind.Utc);
    private static readonly DateTime Until = new(2025, 11, 20, 0, 0, 0, DateTimeKind.Utc);
    private static readonly TimeSpan Fresh = TimeSpan.FromHours(20);
    private static readonly OrderKind[] Kinds = MakeKinds();

    private readonly Dataset _dataset;
    private readonly People _people;
    private readonly int[] _merchants; // by product
    private readonly int[] _prices;
    private readonly int[] _byRank; // products
    private readonly int[] _byMerchant; // products, those of a merchant in their order
    private readonly int[] _firstOf; // by merchant, in the former
    private readonly int[] _placeOf; // by product, in the one before
    private readonly int[] _stars; // five by product

    public Sales(Dataset dataset, People people)
    {
        (_dataset, _people) = (dataset, people);
        var count = dataset.Products;
        (_merchants, _prices, _byRank, _byMerchant, _placeOf) = (new int[count], new int[count], new int[count], new int[count], new int[count]);
        Parallel.For(0, count, index =>
        {
            var row = dataset.Product(index);
            (_merchants[index], _prices[index], _byRank[dataset.RankOf(index)]) = (row.MerchantId, row.PriceCents, index);
        });
        _firstOf = Group(_byMerchant, _merchants, dataset.Merchants.Length + 1);
        for (var place = 0; place < count; place++)
        {
            _placeOf[_byMerchant[place]] = place;
        }

        (_stars, Sold) = (new int[Rating.Most * count], new int[count]);
        Tally();
    }

    public int Orders => _dataset.Products * 4 / 5;

    /// <summary>Reviews of all orders, those that are hidden included.</summary>
    public int Reviews { get; private set; }

    /// <summary>By product: units that were paid for. What was refunded here had been delivered, and did not come back.</summary>
    public int[] Sold { get; }

    public int MerchantOf(int product) => _merchants[product];

    /// <summary>What the reviews of a product that are shown say.</summary>
    public Rating RatingOf(int product) => new(_stars.AsSpan(product * Rating.Most, Rating.Most).ToArray());

    /// <summary>Whether an order is paid and not shipped.</summary>
    public static bool IsPaid(int index) => Kinds[index % Kinds.Length].Status == "paid";

    /// <summary>Order <paramref name="index"/> of 0 … <see cref="Orders"/> - 1.</summary>
    /// <param name="index">Which one.</param>
    /// <param name="lines">Gets its lines, each of another product; as many as its kind says.</param>
    public OrderRow Order(int index, Span<LineRow> lines)
    {
        var kind = Kinds[index % Kinds.Length];
        var random = SplitMix.ForRow(6, index + 1);
        var placed = PlacedAt(index, kind);
        var customer = 1 + (int)(_people.Customers * Math.Pow(random.Fraction(), 1.5));
        var split = kind.Lines > 2 && random.Below(10) < 3 ? kind.Lines / 2 : 0;
        for (var line = 0; line < kind.Lines; line++)
        {
            var product = line == 0 || line == split ? Popular(ref random, placed) : Beside(lines[line - 1].Product, ref random, placed);
            while (Holds(lines[..line], product))
            {
                product = product == 0 ? _dataset.Products - 1 : product - 1;
            }

            lines[line] = new LineRow(product, _merchants[product], random.Below(10) switch { < 7 => 1, < 9 => 2, _ => 3 }, _prices[product]);
        }

        return new OrderRow(index, customer, SeedId.Of(placed, _people.BucketOf(customer)), kind, placed);
    }

    /// <summary>Review of a line, the first ones of an order being reviewed.</summary>
    public static ReviewRow Review(OrderRow order, int line, int product)
    {
        var random = SplitMix.ForRow(7, ((long)order.Index * MostLines) + line);
        var isDisliked = SplitMix.ForRow(9, product).Below(8) == 0;
        var rating = random.Below(100) switch
        {
            < 46 => isDisliked ? 2 : 5,
            < 72 => isDisliked ? 3 : 4,
            < 86 => isDisliked ? 1 : 3,
            < 93 => isDisliked ? 4 : 2,
            _ => isDisliked ? 5 : 1,
        };
        return new ReviewRow(order.Index, line, product, rating, random.Below(100) != 0, order.PlacedAt.AddDays(4 + (4 * line)));
    }

    /// <summary>What it says.</summary>
    public string TextOf(ReviewRow review)
    {
        var random = SplitMix.ForRow(10, ((long)review.Order * MostLines) + review.Line);
        var opinion = review.Rating switch { > 3 => "praise", 3 => "mixed", _ => "complaints" };
        return $"{random.Pick(_dataset.Words[opinion])} {random.Pick(_dataset.Words["remarks"])}";
    }

    /// <summary>Lists <paramref name="of"/>'s indexes by what they belong to, in their own order.</summary>
    /// <returns>Where each group begins, and at the end where the last one ends.</returns>
    internal static int[] Group(int[] to, int[] of, int groups)
    {
        var first = new int[groups + 1];
        foreach (var group in of)
        {
            first[group + 1]++;
        }

        for (var group = 0; group < groups; group++)
        {
            first[group + 1] += first[group];
        }

        var next = first[..^1];
        for (var index = 0; index < of.Length; index++)
        {
            to[next[of[index]]++] = index;
        }

        return first;
    }

    private void Tally()
    {
        Span<LineRow> lines = stackalloc LineRow[MostLines];
        for (var index = 0; index < Orders; index++)
        {
            var order = Order(index, lines);
            Reviews += order.Kind.Reviews;
            for (var line = 0; line < order.Kind.Lines; line++)
            {
                var (product, _, quantity, _) = lines[line];
                Sold[product] += order.Kind.Status is "cancelled" ? 0 : quantity;
                if (line < order.Kind.Reviews && Review(order, line, product) is { IsShown: true } review)
                {
                    _stars[(product * Rating.Most) + review.Rating - 1]++;
                }
            }
        }
    }

    private static DateTime PlacedAt(int index, int orders, DateTime from, DateTime until) => from.AddMilliseconds((long)((until - from).TotalMilliseconds / orders) * index);

    /// <summary>Each order has a millisecond of its own. What is paid and not sent yet came in on the last day, what is on its way on the two before.</summary>
    private DateTime PlacedAt(int index, OrderKind kind) => kind.Status switch
    {
        "paid" => PlacedAt(index, Orders, Until - Fresh, Until),
        "shipped" => PlacedAt(index, Orders, Until - (3 * Fresh), Until - (2 * Fresh)),
        _ => PlacedAt(index, Orders, From, Until - TimeSpan.FromDays(7)),
    };

    private int Popular(ref SplitMix random, DateTime placed)
    {
        // The inverse of the distribution function of 1 / (rank + offset)^0.75.
        var (low, high) = (Math.Pow(Offset, 0.25), Math.Pow(_dataset.Products + Offset, 0.25));
        var there = (int)Math.Min(_dataset.Products, ((placed - Dataset.Opening).TotalMinutes / 6) - 2); // products that were there by then
        for (var attempt = 0; attempt < 8; attempt++)
        {
            var rank = (int)(Math.Pow(low + (random.Fraction() * (high - low)), 4) - Offset);
            if (_byRank[Math.Clamp(rank, 0, _dataset.Products - 1)] is var product && product < there)
            {
                return product;
            }
        }

        return random.Below(there);
    }

    /// <summary>The same merchant's product before this one.</summary>
    private int Beside(int product, ref SplitMix random, DateTime placed) =>
        _placeOf[product] > _firstOf[_merchants[product]] ? _byMerchant[_placeOf[product] - 1] : Popular(ref random, placed);

    private static bool Holds(ReadOnlySpan<LineRow> lines, int product)
    {
        foreach (var line in lines)
        {
            if (line.Product == product)
            {
                return true;
            }
        }

        return false;
    }

    private static OrderKind[] MakeKinds()
    {
        var placed = new OrderEvent("order.placed", "user", TimeSpan.Zero);
        var paid = new OrderEvent("order.paid", "system", TimeSpan.FromMinutes(2));
        var shipped = new OrderEvent("order.shipped", "merchant", TimeSpan.FromDays(1));
        var delivered = new OrderEvent("order.delivered", "merchant", TimeSpan.FromDays(3));
        var cancelled = new OrderEvent("order.cancelled", "system", TimeSpan.FromMinutes(16));
        var refunded = new OrderEvent("order.refunded", "admin", TimeSpan.FromDays(6));
        (int Lines, int Reviews)[] received = [(2, 2), (3, 2), (5, 4), (3, 3), (4, 3), (2, 2), (3, 2), (4, 3), (6, 5), (3, 3), (2, 1), (4, 3), (5, 4), (3, 3)];
        return
        [
            .. received.Select(order => new OrderKind("delivered", order.Lines, order.Reviews, [placed, paid, shipped, delivered])),
            new("shipped", 1, 0, [placed, paid, shipped]),
            new("shipped", 3, 0, [placed, paid, shipped]),
            new("paid", 2, 0, [placed, paid]),
            new("cancelled", 4, 0, [placed, cancelled]),
            new("cancelled", 1, 0, [placed, cancelled]),
            new("refunded", 2, 0, [placed, paid, shipped, delivered, refunded]),
        ];
    }
}
