using static Rez.Seed.Vocabulary;

namespace Rez.Seed;

internal readonly record struct CategoryRow(int Id, int? ParentId, string Slug, string Name);

internal readonly record struct MerchantRow(int Id, string Name, string Country, DateTime JoinedAt);

internal readonly record struct StoreRow(int Id, int MerchantId, string Slug, string Name, string City, short RatingTenths, int Popularity, DateTime CreatedAt);

internal readonly record struct ProductRow(
    long Id, DateTime CreatedAt, int CategoryId, int DepartmentId, int StoreId, int MerchantId, int PriceCents,
    int Popularity, bool IsFeatured, string Brand, string Name, string Description);

/// <summary>
/// The marketplace that everyone measures against: the same rows on every machine, any row without the ones before it.
/// Departments, categories and stores are chosen by Zipf's law; a product's popularity falls with its rank by the power 0.75.
/// </summary>
internal sealed class Dataset
{
    /// <summary>Every dataset has this product, however small it is: the load tests ask for it.</summary>
    public const long KnownProduct = 123_456;

    /// <summary>When the first product was there; the next ones follow every six minutes.</summary>
    public static readonly DateTime Opening = new(2023, 1, 1, 0, 0, 0, DateTimeKind.Utc);
    private readonly int[] _firstCategory;
    private readonly int[] _basePrice; // cents, by category
    private readonly Zipf _departments;
    private readonly Zipf _categories;
    private readonly Zipf _stores;
    private readonly int _stride;

    public Dataset(int products = 250_000, int stores = 5_000, int merchants = 1_200)
    {
        Products = products;
        Stores = [.. Enumerable.Range(1, stores).Select(id => Store(id, merchants, stores))];
        Merchants = [.. Enumerable.Range(1, merchants).Select(Merchant)];
        (Categories, _firstCategory) = Tree();
        _basePrice = [.. Categories.Select(category => BasePrice(category.Id, Words.Departments[(category.ParentId ?? category.Id) - 1]))];
        _departments = new Zipf(Words.Departments.Length, 0.8);
        _categories = new Zipf(Words.Departments[0].Categories.Length, 0.7, offset: 2);
        _stores = new Zipf(stores, 0.7, offset: 20);
        _stride = CoprimeStride(products);
    }

    public int Products { get; }

    public Vocabulary Words { get; } = Load();

    public CategoryRow[] Categories { get; }

    public MerchantRow[] Merchants { get; }

    public StoreRow[] Stores { get; }

    /// <summary>Row <paramref name="index"/> of 0 … <see cref="Products"/> - 1.</summary>
    public ProductRow Product(int index)
    {
        var id = IdOf(index);
        var random = SplitMix.ForRow(3, id);
        var department = _departments.Draw(ref random);
        var kind = _categories.Draw(ref random);
        var category = Categories[_firstCategory[department] + kind];
        var store = Stores[_stores.Draw(ref random)];
        var rank = RankOf(index);
        var popularity = (int)(1_000_000 / Math.Pow(rank + 1, 0.75));
        var brand = random.Pick(Words["brands"]);
        var noun = Singular(category.Name);
        var name = $"{brand} {random.Pick(Words["adjectives"])} {noun}{Variant(ref random)}";
        return new ProductRow(
            id,
            Opening.AddMinutes((6 * id) + random.Below(5)).AddSeconds(random.Below(60)),
            category.Id,
            department + 1,
            store.Id,
            store.MerchantId,
            Price(ref random, _basePrice[category.Id - 1]),
            popularity,
            random.Below(1000) == 0,
            brand,
            name,
            Description(ref random, department, noun));
    }

    public long IdOf(int index) => index == Products - 1 && Products < KnownProduct ? KnownProduct : index + 1;

    /// <summary>Place of a product among all by popularity, from 0.</summary>
    public int RankOf(int index) => (int)((long)(index + 1) * _stride % Products);

    private string Variant(ref SplitMix random) => random.Below(10) switch
    {
        < 4 => ", " + random.Pick(Words["colours"]),
        < 7 => $" {(char)('A' + random.Below(26))}{100 + random.Below(900)}",
        _ => "",
    };

    private string Description(ref SplitMix random, int department, string noun)
    {
        var material = Words.Departments[department].IsMade ? $" in {random.Pick(Words["materials"])}" : "";
        var text = $"{random.Pick(Words["adjectives"])} {Lower(noun)}{material}, made for {random.Pick(Words["occasions"])}. "
            + $"Comes with {random.Pick(Words["features"])} and {random.Pick(Words["features"])}.";
        return random.Below(10) < 3
            ? text + $" Goes well with our {Lower(random.Pick(Words.Departments[department].Categories))}."
            : text;
    }

    private (CategoryRow[] Rows, int[] First) Tree()
    {
        var rows = new List<CategoryRow>();
        var first = new int[Words.Departments.Length];
        foreach (var department in Words.Departments)
        {
            rows.Add(new CategoryRow(rows.Count + 1, null, Slug(department.Name), department.Name));
        }

        for (var department = 0; department < first.Length; department++)
        {
            first[department] = rows.Count;
            foreach (var name in Words.Departments[department].Categories)
            {
                rows.Add(new CategoryRow(rows.Count + 1, department + 1, Slug(name), name));
            }
        }

        return ([.. rows], first);
    }

    private MerchantRow Merchant(int id)
    {
        var random = SplitMix.ForRow(1, id);
        return new MerchantRow(id, $"{random.Pick(Words["brands"])} {random.Pick(Words["shops"])} {(random.Below(2) == 0 ? "Ltd" : "GmbH")}", random.Pick(Words["countries"]), Opening.AddDays(-random.Below(2000)));
    }

    private StoreRow Store(int id, int merchants, int stores)
    {
        var random = SplitMix.ForRow(2, id);
        var city = random.Pick(Words["cities"]);
        var name = $"{random.Pick(Words["brands"])} {random.Pick(Words["shops"])} {city}";
        // Every merchant has a store; the further ones go to a few.
        var merchant = id <= merchants ? id : 1 + (int)(merchants * Math.Pow(random.Fraction(), 3));
        var popularity = (int)(100_000 / Math.Pow((id * 7L % stores) + 1, 0.7));
        return new StoreRow(id, merchant, $"{Slug(name)}-{id}", name, city, Rating(ref random), popularity, Opening.AddDays(-random.Below(1500)));
    }

    /// <summary>A category's usual price in cents: from cheap to dear evenly on a logarithmic scale.</summary>
    private static int BasePrice(int category, Department department)
    {
        var random = SplitMix.ForRow(4, category);
        return (int)(100 * department.Cheap * Math.Pow((double)department.Dear / department.Cheap, random.Fraction()));
    }

    /// <summary>Around the category's own price, and shown as shops show prices: 12.99, 80.49, 340.00.</summary>
    private static int Price(ref SplitMix random, int around)
    {
        var spread = random.Fraction() + random.Fraction() + random.Fraction() - 1.5;
        var whole = Math.Max(1, (int)(around * Math.Exp(spread) / 100));
        return (whole * 100) + random.Below(4) switch { 0 => 0, 1 => 49, _ => 99 };
    }

    private static short Rating(ref SplitMix random) =>
        (short)Math.Clamp(43 + (int)((random.Fraction() + random.Fraction() + random.Fraction() - 1.5) * 14), 10, 50);

    private static string Lower(string text) => text.ToLowerInvariant();

    /// <summary>A step that visits every rank once, so that popularity is spread over the ids.</summary>
    private static int CoprimeStride(int count)
    {
        var stride = Math.Max(1, (int)(count * 0.618));
        while (Gcd(stride, count) != 1)
        {
            stride++;
        }

        return stride;
    }

    private static int Gcd(int a, int b) => b == 0 ? a : Gcd(b, a % b);
}
