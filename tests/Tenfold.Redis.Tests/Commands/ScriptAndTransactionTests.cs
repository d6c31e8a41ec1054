using Tenfold.Redis.Tests.Support;

namespace Tenfold.Redis.Tests.Commands;

public sealed class ScriptAndTransactionTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private static readonly RedisScript Add = new("return redis.call('INCRBY', KEYS[1], ARGV[1])");

    private readonly RedisClient _client = fixture.Client;

    [Fact]
    public async Task A_script_is_loaded_once_and_again_when_the_server_forgot_it()
    {
        Assert.Equal(5, (await _client.EvaluateAsync(Add, ["script"], [5])).Integer);
        Assert.Equal(1, (await _client.ExecuteAsync(["SCRIPT", "EXISTS", Add.Sha])).Items.Span[0].Integer);
        await _client.ExecuteAsync(["SCRIPT", "FLUSH"]);
        var sums = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => _client.EvaluateAsync(Add, ["script"], [1]).AsTask()));
        Assert.Equal(Enumerable.Range(6, 100).Select(i => (long)i), sums.Select(sum => sum.Integer).Order());
    }

    [Fact]
    public async Task A_script_that_fails_says_so()
    {
        var error = await Assert.ThrowsAsync<RedisServerException>(async () => await _client.EvaluateAsync(new RedisScript("return redis.call('NOSUCH')"), []));
        Assert.Contains("Unknown Redis command", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_transaction_is_executed_as_one()
    {
        var answers = await _client.TransactionAsync(new RedisTransaction().Add("SET", "tx", 1).Add("INCRBY", "tx", 41).Add("GET", "tx"));
        Assert.Equal(["OK", "42", "42"], answers.ToArray().Select(answer => answer.ToString()));
    }

    [Fact]
    public async Task A_transaction_with_a_command_that_Redis_refuses_is_refused_with_its_reason()
    {
        var error = await Assert.ThrowsAsync<RedisServerException>(async () => await _client.TransactionAsync(new RedisTransaction().Add("SET", "tx-bad", 1).Add("NOSUCH", "x")));
        Assert.Contains("unknown command 'NOSUCH'", error.Message, StringComparison.Ordinal);
        Assert.False(await _client.ExistsAsync("tx-bad"));
    }

    [Fact]
    public async Task A_command_that_fails_within_a_transaction_is_one_of_its_answers()
    {
        var answers = await _client.TransactionAsync(new RedisTransaction().Add("SET", "tx-text", "x").Add("INCR", "tx-text").Add("SET", "tx-after", 1));
        Assert.Equal([false, true, false], answers.ToArray().Select(answer => answer.IsError));
        Assert.Throws<RedisServerException>(() => answers.Span[1].ThrowIfError());
        Assert.True(await _client.ExistsAsync("tx-after"));
    }

    [Fact]
    public async Task A_transaction_is_not_empty_and_is_used_once()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await _client.TransactionAsync(new RedisTransaction()));
        var transaction = new RedisTransaction().Add("PING");
        await _client.TransactionAsync(transaction);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await _client.TransactionAsync(transaction));
        Assert.Throws<ArgumentException>(() => new RedisTransaction().Add("WATCH", "key"));
    }
}
