using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Tenfold.AspNetCore.Stores;
using Tenfold.Postgres;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.AspNetCore.Tests.Stores;

public sealed class ConnectionCheckTests
{
    private static readonly ServerConnections Server = new("db:5432", 51, 97, "max_connections less superuser_reserved_connections");

    [Fact]
    public void What_fits_is_no_problem() => Assert.Null(ConnectionCheck.Problem("main", Server, beside: 1, instances: 1));

    [Fact]
    public void All_instances_together_count()
    {
        var problem = ConnectionCheck.Problem("main", Server, beside: 1, instances: 3);
        Assert.Contains("3 instances", problem, StringComparison.Ordinal);
        Assert.Contains("× 52 connections are 156, and db:5432 takes 97 (max_connections less superuser_reserved_connections)", problem, StringComparison.Ordinal);
        Assert.Contains("Set stores.main.pool.max (Maximum Pool Size) to 30 or less", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void An_instance_alone_may_be_too_much_and_so_many_may_be_that_no_pool_helps()
    {
        Assert.Contains("this instance alone may open 52 connections", ConnectionCheck.Problem("main", Server with { Allowed = 20 }, beside: 1, instances: null), StringComparison.Ordinal);
        Assert.Contains("Lower scale.max", ConnectionCheck.Problem("main", Server, beside: 1, instances: 40), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_takes_fewer_is_told_once_when_the_app_is_ready()
    {
        await using var server = await PostgresServer.StartAsync("max_connections=30");
        await using var store = new PostgresStore(
            new PostgresOptions { Name = "main", ConnectionString = server.ConnectionString + ";Maximum Pool Size=28" }, TimeProvider.System, NullLoggerFactory.Instance);
        var (ready, told) = (new TaskCompletionSource(), new Told());
        using var check = new ConnectionCheck([new CheckedStore(store, 1)], guide: null, ready.Task, TimeProvider.System, told);
        await check.StartAsync(TestContext.Current.CancellationToken);
        Assert.False(told.Line.Task.IsCompleted);
        ready.SetResult();
        Assert.Contains("may open 29 connections, and", await told.Line.Task.WaitAsync(Instance.Wait), StringComparison.Ordinal);
        Assert.Contains("takes 27 (max_connections less superuser_reserved_connections)", await told.Line.Task, StringComparison.Ordinal);
        await check.StopAsync(TestContext.Current.CancellationToken);
    }

    private sealed class Told : ILogger<ConnectionCheck>
    {
        public TaskCompletionSource<string> Line { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Line.TrySetResult(formatter(state, exception));
    }
}
