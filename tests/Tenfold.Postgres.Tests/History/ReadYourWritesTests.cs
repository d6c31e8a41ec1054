using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Postgres.Tests.History;

public sealed class ReadYourWritesTests(Cluster cluster)
{
    [Fact]
    public Task No_caller_is_shown_less_than_it_wrote_and_without_tokens_some_are() => CheckAsync(TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(2));

    [Fact]
    [Trait("Suite", "soak")]
    public Task So_it_is_for_a_minute() => CheckAsync(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(10));

    private async Task CheckAsync(TimeSpan with, TimeSpan without)
    {
        // The late replica is within its limit: only tokens keep callers away from it.
        await using var store = await Cluster.OpenAsync(
            PostgresServer.ConnectionStringOf(cluster.Primary, cluster.Quick, cluster.Late),
            options => options with { ReplicaLag = TimeSpan.FromSeconds(30) });
        await Wait.ForAsync("both replicas serve", () => store.Status().Count(server => !server.IsPrimary && server.Serves) == 2);

        var checker = new Checker(store, withTokens: true);
        await checker.RunAsync(callers: 8, with, TestContext.Current.CancellationToken);
        var byReplicas = store.ReplicaReads;
        TestContext.Current.TestOutputHelper?.WriteLine($"with tokens: {checker.Writes} writes, {checker.Reads} reads, {byReplicas} of them by replicas, {checker.Violations} violations");
        Assert.Equal(0, checker.Violations);
        Assert.True(checker.Writes > 20, $"only {checker.Writes} writes");
        Assert.True(byReplicas > 20, $"only {byReplicas} of {checker.Reads} reads were served by replicas");

        var bare = new Checker(store, withTokens: false);
        await bare.RunAsync(callers: 8, without, TestContext.Current.CancellationToken);
        TestContext.Current.TestOutputHelper?.WriteLine($"without: {bare.Writes} writes, {bare.Reads} reads, {bare.Violations} violations");
        Assert.True(bare.Violations > 0, $"the check finds nothing: {bare.Writes} writes, {bare.Reads} reads");
    }
}
