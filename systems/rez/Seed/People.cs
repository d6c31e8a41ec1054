using Tenfold.Postgres.Shards;

namespace Rez.Seed;

/// <summary>
/// Who has an account: customers (two for five products), a member of staff for each merchant, and an administrator. All have the
/// same password, which stands in the documentation: this is for demonstrations and tests.
/// </summary>
internal sealed class People(Dataset dataset, BucketScheme buckets)
{
    /// <summary>Everybody's.</summary>
    public const string Password = "rez-demo-password";

    private static readonly DateTime From = new(2025, 1, 2, 0, 0, 0, DateTimeKind.Utc);
    private static readonly TimeSpan For = TimeSpan.FromDays(80);

    public int Customers { get; } = dataset.Products * 2 / 5;

    public int Count => Customers + dataset.Merchants.Length + 1;

    /// <summary>The bucket of an account's rows.</summary>
    public int BucketOf(int number) => buckets.BucketOf(number);

    public ShardId IdOf(int number) => SeedId.Of(JoinedAt(number), BucketOf(number));

    public string NameOf(int number)
    {
        var random = SplitMix.ForRow(5, number);
        return $"{random.Pick(dataset.Words["first-names"])} {random.Pick(dataset.Words["last-names"])}";
    }

    /// <summary>Where a customer's orders go.</summary>
    public string AddressOf(int number)
    {
        var random = SplitMix.ForRow(8, number);
        return $"{NameOf(number)}, {1 + random.Below(199)} {random.Pick(dataset.Words["streets"])}, {random.Pick(dataset.Words["cities"])}";
    }

    /// <summary>Account <paramref name="number"/> of 1 … <see cref="Count"/>.</summary>
    public AccountRow Account(int number)
    {
        var staff = number - Customers;
        var (email, role, actsFor) = staff <= 0 ? ($"customer-{number}@rez.example", "customer", (int?)null)
            : staff <= dataset.Merchants.Length ? ($"merchant-{staff}@rez.example", "merchant", staff)
            : ("admin@rez.example", "admin", null);
        var phone = staff <= 0 && number % 2 == 0 ? $"+1555{number:0000000}" : null;
        return new AccountRow(number, IdOf(number), email, phone, NameOf(number), role, actsFor, JoinedAt(number));
    }

    /// <summary>One after the other, each at a millisecond of its own.</summary>
    private DateTime JoinedAt(int number) => From.AddMilliseconds((long)(For.TotalMilliseconds / Count) * number);
}
