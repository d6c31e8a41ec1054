using Tenfold.Redis.Tests.Support;

namespace Tenfold.Redis.Tests.Cluster;

public sealed class RedirectionTests
{
    [Fact]
    public async Task Two_nodes_that_name_each_other_for_a_moment_do_not_fail_a_command()
    {
        var (one, two, asked) = (0, 0, 0);
        string? Answer(string[] words, int other) => words[0] switch
        {
            "CLUSTER" => $"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n{FakeServer.Bulk("127.0.0.1")}:{one}\r\n",
            _ => Interlocked.Increment(ref asked) <= 30 ? $"-MOVED 0 127.0.0.1:{other}\r\n" : "$1\r\nx\r\n",
        };
        await using var first = new FakeServer(words => Answer(words, two));
        await using var second = new FakeServer(words => Answer(words, one));
        (one, two) = (first.Port, second.Port);
        await using var client = new RedisClient(Patient.Options($"redis://{first.Address}?cluster=true"));
        Assert.Equal("x", (await client.GetAsync("key")).Utf8());
    }
}
