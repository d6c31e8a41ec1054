using FsCheck;
using FsCheck.Fluent;
using Tenfold.Caching.Entries;

namespace Tenfold.Caching.Tests.Entries;

public sealed class EntryFormatTests
{
    [Fact]
    public void What_is_written_is_read_back() => Prop.ForAll<byte[], string[], int>((payload, tags, seed) =>
    {
        var names = (tags ?? []).Select(tag => KeyNames.Of(tag ?? "null")).Distinct().Take(EntryFormat.MostTags).ToArray();
        var random = new Random(seed);
        var generations = Array.ConvertAll(names, _ => random.NextInt64());
        var version = new byte[CacheEntry.VersionSize];
        random.NextBytes(version);
        var written = EntryFormat.Write(EntryFlags.Negative, version, 123, 456, names, generations, payload ?? []);

        var read = EntryFormat.Read(written.Raw)!;

        Assert.Equal((EntryFlags.Negative, 123L, 456L), (read.Flags, read.LifetimeMs, read.StaleMs));
        Assert.Equal(version, read.Version.ToArray());
        Assert.Equal(names, read.Tags);
        Assert.Equal(generations, read.Generations);
        Assert.Equal(payload ?? [], read.Payload.ToArray());
        return true;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Whatever_else_stands_under_the_key_counts_as_not_there()
    {
        var whole = EntryFormat.Write(EntryFlags.None, new byte[16], 1, 2, ["*", "tag"], [1, 2], "value"u8).Raw.ToArray();
        for (var length = 0; length < whole.Length; length++)
        {
            Assert.Null(EntryFormat.Read(whole.AsMemory(0, length)));
        }

        Assert.Null(EntryFormat.Read(new byte[whole.Length + 1]));
        Assert.Null(EntryFormat.Read((byte[])[.. whole, 0]));
        var other = whole.ToArray();
        other[3] = (byte)'2';
        Assert.Null(EntryFormat.Read(other));
        Prop.ForAll<byte[]>(bytes =>
        {
            EntryFormat.Read((byte[])[.. "TFC1"u8, .. bytes ?? []]); // does not throw
            return true;
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Keys_of_any_kind_get_names_that_do_not_meet()
    {
        string[] keys = ["", "a", "a b", "a\0b", "a\nb", "{a}", "}", "{", "\ud800", "\ud801", "é", new('x', 200), new('x', 201), new('x', 1 << 20), KeyNames.Of("{a}")];

        Assert.Equal(keys.Length, keys.Select(KeyNames.Of).Distinct(StringComparer.Ordinal).Count());
        Assert.Same(keys[2], KeyNames.Of(keys[2]));
        Assert.All(keys, key => Assert.InRange(KeyNames.Of(key).Length, 0, 200));
    }

    [Fact]
    public void An_invalidated_key_of_Redis_is_found_again()
    {
        var keys = new RedisKeys("tf1:shop");
        Assert.True(keys.TryParse(keys.Entry("products.1", "page 1 {x"), out var partition, out var name));
        Assert.Equal(("products.1", "page 1 {x"), (partition, name));
        Assert.True(keys.TryParse(keys.Tag("a:b"), out partition, out name));
        Assert.Equal((null, "a:b"), (partition, name));
        Assert.False(keys.TryParse(keys.Lock("products.1", "x"), out _, out _));
        Assert.False(keys.TryParse(keys.Node("n"), out _, out _));
        Assert.False(keys.TryParse("other"u8, out _, out _));
    }
}
