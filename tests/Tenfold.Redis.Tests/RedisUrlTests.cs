namespace Tenfold.Redis.Tests;

public sealed class RedisUrlTests
{
    [Theory]
    [InlineData("redis://127.0.0.1:7000", "127.0.0.1:7000", null, null, 0, false)]
    [InlineData("redis://localhost", "Unspecified/localhost:6379", null, null, 0, false)]
    [InlineData("redis://:s%40cret@cache.example.org/3", "Unspecified/cache.example.org:6379", null, "s@cret", 3, false)]
    [InlineData("rediss://app:a:b@[::1]:6380/0", "[::1]:6380", "app", "a:b", 0, true)]
    [InlineData("unix:///run/redis.sock?database=2", "/run/redis.sock", null, null, 2, false)]
    public void An_address_is_read(string url, string endPoint, string? user, string? password, int database, bool tls)
    {
        var options = RedisOptions.Parse(url);
        Assert.Equal((endPoint, user, password, database, tls), (Assert.Single(options.EndPoints).ToString(), options.User, options.Password, options.Database, options.Tls));
    }

    [Fact]
    public void Several_servers_are_a_cluster_or_sentinels()
    {
        var cluster = RedisOptions.Parse("redis://a:1,b,c:3?cluster=true&connections=4&name=shop");
        Assert.Equal((RedisTopology.Cluster, 4, "shop"), (cluster.Topology, cluster.ConnectionsPerNode, cluster.ClientName));
        Assert.Equal(["Unspecified/a:1", "Unspecified/b:6379", "Unspecified/c:3"], cluster.EndPoints.Select(endPoint => endPoint.ToString()));
        var sentinels = RedisOptions.Parse("redis://:pass@a,b/1?sentinel=main&sentinel-password=word");
        Assert.Equal((RedisTopology.Sentinel, "main", "word", 1), (sentinels.Topology, sentinels.SentinelPrimary, sentinels.SentinelPassword, sentinels.Database));
        Assert.Equal(["Unspecified/a:26379", "Unspecified/b:26379"], sentinels.EndPoints.Select(endPoint => endPoint.ToString()));
    }

    [Theory]
    [InlineData("localhost:6379", "begins with redis://")]
    [InlineData("http://localhost", "scheme 'http' is none of")]
    [InlineData("redis://", "a host is missing")]
    [InlineData("redis://host:0", "'0' is no port")]
    [InlineData("redis://host:x", "'x' is no port")]
    [InlineData("redis://ho st", "'ho st' is no host name")]
    [InlineData("redis://secret@host", "user:password")]
    [InlineData("redis://user:se#cret@host", "%23")]
    [InlineData("redis://[::g]:1", "no IPv6 address")]
    [InlineData("redis://host/x", "database is 'x'")]
    [InlineData("redis://host?timeout=5", "option 'timeout' is none of")]
    [InlineData("redis://host?cluster", "'cluster' is no name=value")]
    [InlineData("redis://a,b", "need cluster or sentinel")]
    [InlineData("redis://a/1?cluster=true", "a cluster has only 0")]
    [InlineData("redis://a?connections=0", "must be 1 to 64")]
    [InlineData("unix://socket", "absolute path")]
    public void What_is_no_address_is_refused_with_its_reason_and_without_the_password(string url, string reason)
    {
        var error = Assert.Throws<FormatException>(() => RedisOptions.Parse(url));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("cret", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_option_out_of_its_range_is_named()
    {
        var options = RedisOptions.Parse("redis://host") with { MaxPending = 1000 };
        Assert.Contains("MaxPending is 1000, but must be a power of two", Assert.Throws<ArgumentException>(() => new RedisClient(options)).Message, StringComparison.Ordinal);
    }
}
