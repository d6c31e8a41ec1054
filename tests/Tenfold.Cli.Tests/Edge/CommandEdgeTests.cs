using Tenfold.Cli.Edge;
using Tenfold.Gateway;
using Tenfold.Jobs;
using Tenfold.Postgres.Shards;
using Tenfold.Runtime;

namespace Tenfold.Cli.Tests.Edge;

public sealed class CommandEdgeTests : IDisposable
{
    private readonly TestShell _shell = new();

    public void Dispose() => _shell.Dispose();

    [Theory]
    [InlineData(new[] { "stauts", "shop" }, "no verb 'stauts'; did you mean 'status'?")]
    [InlineData(new[] { "up" }, "'tenfold up --help' shows the usage")]
    [InlineData(new[] { "scale", "shop", "api", "many" }, "many")]
    [InlineData(new[] { "status", "shop", "--jsno" }, "--jsno")]
    [InlineData(new[] { "logs", "shop", "--lines", "-3" }, "--lines -3: at least 0")]
    [InlineData(new[] { "up", "shopp" }, "no system 'shopp'; did you mean 'shop'?")]
    [InlineData(new[] { "check", "x/y" }, "no system 'x/y'")]
    public async Task Wrong_usage_says_what_to_do_with_exit_code_2(string[] arguments, string says)
    {
        var (code, output, error) = await _shell.RunAsync(arguments);
        Assert.Equal(2, code);
        Assert.Equal("", output);
        Assert.Contains(says, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_expected_failure_has_its_exit_code()
    {
        Assert.Equal(2, CommandEdge.CodeOf(new UsageException("")));
        Assert.Equal(2, CommandEdge.CodeOf(new RuntimeException(RuntimeFailure.Guide, "")));
        Assert.Equal(3, CommandEdge.CodeOf(new RuntimeException(RuntimeFailure.Machine, "")));
        Assert.Equal(1, CommandEdge.CodeOf(new RuntimeException(RuntimeFailure.Failed, "")));
        Assert.Equal(3, CommandEdge.CodeOf(new GatewayException("")));
        Assert.Equal(3, CommandEdge.CodeOf(new IOException("No space left on device")));
        Assert.Equal(3, CommandEdge.CodeOf(new UnauthorizedAccessException("")));
        Assert.Equal(1, CommandEdge.CodeOf(new ShardException(ShardFailure.Move, "")));
        Assert.Equal(2, CommandEdge.CodeOf(new ShardException(ShardFailure.Unmapped, "there is no bucket 300")));
        Assert.Equal(1, CommandEdge.CodeOf(new JobException("")));
        Assert.Null(CommandEdge.CodeOf(new InvalidOperationException("")));
    }

    [Fact]
    public async Task Help_lists_every_verb()
    {
        var (code, output, _) = await _shell.RunAsync("--help");
        Assert.Equal(0, code);
        Assert.All(["check", "up", "load", "status", "logs", "restart", "scale", "shards", "queries", "jobs", "down", "schema"], verb => Assert.Contains("\n  " + verb, output, StringComparison.Ordinal));
    }
}
