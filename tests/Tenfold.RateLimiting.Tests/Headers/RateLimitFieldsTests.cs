using System.Text;
using System.Text.Json;
using Tenfold.RateLimiting.Headers;

namespace Tenfold.RateLimiting.Tests.Headers;

public sealed class RateLimitFieldsTests
{
    private static readonly Quota Client = new("per-client", 100, TimeSpan.FromMinutes(15));
    private static readonly Quota Burst = new("burst", 10, TimeSpan.FromSeconds(1));

    private static readonly RateLimitDecision Allowed = new(true, DecisionSource.Redis, [
        new QuotaState(Client, 99, TimeSpan.Zero, TimeSpan.FromMilliseconds(9000)),
        new QuotaState(Burst, 9, TimeSpan.Zero, TimeSpan.FromMilliseconds(100))]);

    private static readonly RateLimitDecision Refused = new(false, DecisionSource.Redis, [
        new QuotaState(Client, 0, TimeSpan.FromSeconds(8.2), TimeSpan.FromMinutes(15)),
        new QuotaState(Burst, 3, TimeSpan.Zero, TimeSpan.FromSeconds(0.7))]);

    [Fact]
    public void An_answer_says_what_is_left_and_when_it_is_whole_again() => Assert.Equal(
        "RateLimit-Policy: \"per-client\";q=100;w=900, \"burst\";q=10;w=1\r\nRateLimit: \"per-client\";r=99;t=9, \"burst\";r=9;t=1\r\n",
        Lines(Allowed));

    [Fact]
    public void A_refusal_says_when_to_come_back_and_never_earlier_than_it_counts() => Assert.Equal(
        "RateLimit-Policy: \"per-client\";q=100;w=900, \"burst\";q=10;w=1\r\nRateLimit: \"per-client\";r=0;t=9, \"burst\";r=3;t=1\r\nRetry-After: 9\r\n",
        Lines(Refused));

    [Fact]
    public void Values_for_frameworks_are_those_of_the_lines()
    {
        Assert.Contains($"RateLimit: {RateLimitFields.RateLimitValue(Refused)}\r\n", Lines(Refused), StringComparison.Ordinal);
        Assert.Contains($"RateLimit-Policy: {RateLimitFields.PolicyValue(Refused)}\r\n", Lines(Refused), StringComparison.Ordinal);
    }

    [Fact]
    public void The_problem_document_names_what_was_violated()
    {
        using var problem = JsonDocument.Parse(RateLimitFields.Problem(Refused));
        var root = problem.RootElement;

        Assert.Equal("https://iana.org/assignments/http-problem-types#quota-exceeded", root.GetProperty("type").GetString());
        Assert.Equal(429, root.GetProperty("status").GetInt32());
        Assert.Equal(["per-client"], root.GetProperty("violated-policies").EnumerateArray().Select(name => name.GetString()));
        Assert.Equal("Too many requests: 'per-client' allows 100 requests in 15m. Try again in 9 s.", root.GetProperty("detail").GetString());
    }

    [Fact]
    public void Writing_the_lines_allocates_nothing()
    {
        var into = new byte[1024];
        RateLimitFields.WriteLines(Refused, into);
        var before = GC.GetAllocatedBytesForCurrentThread();
        RateLimitFields.WriteLines(Refused, into);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static string Lines(RateLimitDecision decision)
    {
        var bytes = new byte[1024];
        return Encoding.ASCII.GetString(bytes, 0, RateLimitFields.WriteLines(decision, bytes));
    }
}
