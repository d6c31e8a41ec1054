using System.Net;
using Tenfold.Runtime.Instances;

namespace Tenfold.Runtime.Tests.Instances;

public sealed class InstanceEnvironmentTests
{
    private const string SpinLimit = "DOTNET_ThreadPool_UnfairSemaphoreSpinLimit";

    [Fact]
    public void The_contracts_variables_win_over_the_guides()
    {
        var service = InstanceEnvironment.OfService("api", new Dictionary<string, string> { ["TENFOLD_SERVICE"] = "other", ["LOG"] = "info" }, "/g.yaml", "http://localhost:8080", "/files", new Dictionary<string, string> { ["main"] = "Host=x" });
        var instance = InstanceEnvironment.OfInstance(service, "api-1", new IPEndPoint(IPAddress.Loopback, 5000));
        Assert.Equal(("api", "info", "/g.yaml", "http://localhost:8080", "/files", "Host=x"), (instance["TENFOLD_SERVICE"], instance["LOG"], instance["TENFOLD_GUIDE"], instance["TENFOLD_GATEWAY"], instance["TENFOLD_FILES"], instance["ConnectionStrings__main"]));
        Assert.Equal(("api-1", "5000", "http://127.0.0.1:5000"), (instance["TENFOLD_INSTANCE"], instance["PORT"], instance["ASPNETCORE_URLS"]));
    }

    [Fact]
    public void An_idle_thread_pool_does_not_spin_unless_the_guide_wants_it()
    {
        var none = new Dictionary<string, string>();
        Assert.Equal("0", InstanceEnvironment.OfService("api", none, "/g.yaml", "http://localhost:8080", "/files", none)[SpinLimit]);
        Assert.Equal("70", InstanceEnvironment.OfService("api", new Dictionary<string, string> { [SpinLimit] = "70" }, "/g.yaml", "http://localhost:8080", "/files", none)[SpinLimit]);
    }
}
