using Tenfold.AspNetCore.Stores;
using Tenfold.Postgres;

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
}
