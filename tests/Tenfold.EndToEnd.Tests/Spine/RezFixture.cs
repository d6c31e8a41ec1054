using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Tenfold.EndToEnd.Tests.Support;

namespace Tenfold.EndToEnd.Tests.Spine;

/// <summary>The reference system, brought up once for the tests that share it: with a tenth of its dataset, on a free port.</summary>
public sealed class RezFixture : IAsyncLifetime
{
    internal RunningSystem Rez { get; } = new(CommandOnAFreePort(), "rez");

    public async ValueTask InitializeAsync()
    {
        await Rez.UpAsync();
        // Tests that share it count instances: its rules may not change their number.
        await Rez.Tenfold.SucceedAsync("scale", "rez", "api", "2");
    }

    public ValueTask DisposeAsync() => Rez.DisposeAsync();

    private static TenfoldCommand CommandOnAFreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return new TenfoldCommand { ["REZ_PORT"] = ((IPEndPoint)probe.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture), ["REZ_PRODUCTS"] = "25000" };
    }
}

[CollectionDefinition(nameof(RezFixture), DisableParallelization = true)]
public sealed class RezSystem : ICollectionFixture<RezFixture>;
