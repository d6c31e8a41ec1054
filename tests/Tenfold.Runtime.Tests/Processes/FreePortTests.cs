using System.Net;
using System.Net.Sockets;
using Tenfold.Runtime.Processes;

namespace Tenfold.Runtime.Tests.Processes;

public sealed class FreePortTests
{
    [Fact]
    public void A_port_that_is_taken_or_listened_on_is_not_given()
    {
        var first = FreePort.Find(new Random(1), new HashSet<int>());
        var second = FreePort.Find(new Random(1), new HashSet<int> { first });
        Assert.NotEqual(first, second);
        using var busy = new TcpListener(IPAddress.Loopback, first);
        busy.Start();
        Assert.NotEqual(first, FreePort.Find(new Random(1), new HashSet<int>()));
    }
}
