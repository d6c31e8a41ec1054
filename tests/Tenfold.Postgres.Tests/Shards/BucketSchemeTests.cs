using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Tenfold.Postgres.Shards;

namespace Tenfold.Postgres.Tests.Shards;

public sealed class BucketSchemeTests
{
    // Vectors that other implementations of MurmurHash3_x86_32 publish for seed 0.
    [Theory]
    [InlineData("", 0u)]
    [InlineData("test", 0xba6bd213u)]
    [InlineData("Hello, world!", 0xc0363e43u)]
    [InlineData("The quick brown fox jumps over the lazy dog", 0x2e4ff723u)]
    public void The_hash_is_murmur3(string text, uint expected) => Assert.Equal(expected, Murmur3.Hash(Encoding.UTF8.GetBytes(text)));

    // A changed number here means that every stored row would be in the wrong bucket.
    [Fact]
    public void The_bucket_of_a_key_never_changes()
    {
        var scheme = BucketScheme.Hash();

        Assert.Equal(Murmur3.Hash([0, 0, 0, 0, 0, 0, 0, 42]) % 256, (uint)scheme.BucketOf(42));
        Assert.Equal(scheme.BucketOf(42), scheme.BucketOf(42L));
        Assert.Equal(0xba6bd213u % 256, (uint)scheme.BucketOf("test"));
        Assert.Equal(Murmur3.Hash([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]) % 256, (uint)scheme.BucketOf(new Guid("01020304-0506-0708-090a-0b0c0d0e0f10")));
    }

    [Fact]
    public void Long_texts_hash_like_their_bytes()
    {
        var text = new string('ü', 1_000);

        Assert.Equal((int)(Murmur3.Hash(Encoding.UTF8.GetBytes(text)) % 256), BucketScheme.Hash().BucketOf(text));
    }

    [Fact]
    public void Consecutive_ids_spread_evenly()
    {
        var scheme = BucketScheme.Hash(64);
        var rows = new int[64];
        for (var id = 1; id <= 64_000; id++)
        {
            rows[scheme.BucketOf(id)]++;
        }

        Assert.All(rows, count => Assert.InRange(count, 800, 1_200)); // 1,000 expected, deviation 31
    }

    [Fact]
    public void A_number_falls_into_the_range_whose_lower_bound_is_the_last_not_above_it() =>
        Prop.ForAll(
            Gen.Choose(-1_000, 1_000).NonEmptyListOf().Select(list => list.Distinct().Order().Select(one => (long)one).ToArray()).Zip(Gen.Choose(-1_100, 1_100)).ToArbitrary(),
            pair =>
            {
                var (bounds, number) = pair;
                var scheme = BucketScheme.Range(bounds);
                var expected = bounds.Count(bound => bound <= number) - 1;
                if (expected < 0)
                {
                    Assert.Equal(ShardFailure.Unmapped, Assert.Throws<ShardException>(() => scheme.BucketOf(number)).Failure);
                }
                else
                {
                    Assert.Equal(expected, scheme.BucketOf(number));
                }
            }).QuickCheckThrowOnFailure();

    [Fact]
    public void Texts_are_compared_by_bytes_as_the_collation_C_does()
    {
        var scheme = BucketScheme.Range(["", "Z", "a", "é"]);

        Assert.Equal([0, 1, 1, 2, 3, 3], new[] { "Yak", "Z", "[", "zebra", "é", "漢" }.Select(text => scheme.BucketOf(text)));
    }

    [Fact]
    public void A_key_of_another_kind_than_the_bounds_is_unmapped()
    {
        var failure = Assert.Throws<ShardException>(() => BucketScheme.Range([0L, 10L]).BucketOf("5"));

        Assert.Equal(ShardFailure.Unmapped, failure.Failure);
        Assert.Equal("shard key '5' is of another kind than the bounds of the buckets: there are 2, for numbers from 0 on", failure.Message);
    }

    [Fact]
    public void Bounds_must_ascend_and_counts_have_limits()
    {
        Assert.Throws<ArgumentException>(() => BucketScheme.Range([1L, 1L]));
        Assert.Throws<ArgumentException>(() => BucketScheme.Range(Array.Empty<long>()));
        Assert.Throws<ArgumentException>(() => BucketScheme.Range(["b", "a"]));
        Assert.Throws<ArgumentOutOfRangeException>(() => BucketScheme.Hash(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => BucketScheme.Hash(BucketScheme.Most + 1));
    }

    [Fact]
    public void A_scheme_is_read_as_it_was_stored()
    {
        foreach (var scheme in new[] { BucketScheme.Hash(7), BucketScheme.Range([long.MinValue, 0, 5]), BucketScheme.Range(["", "mé", "z"]) })
        {
            Assert.True(scheme.Same(BucketScheme.Parse(scheme.Kind, scheme.Count, scheme.Bounds)));
        }

        Assert.False(BucketScheme.Hash(2).Same(BucketScheme.Range([1L, 2L])));
        Assert.Throws<ShardException>(() => BucketScheme.Parse("modulo", 3, []));
    }

    [Fact]
    public void A_bucket_that_is_named_must_be_there() =>
        Assert.Throws<ShardException>(() => BucketScheme.Hash(4).BucketOf(ShardKey.OfBucket(4)));
}
