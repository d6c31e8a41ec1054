using Tenfold.Gateway.Forwarding;

namespace Tenfold.Gateway.Tests.Forwarding;

public sealed class RequestHeadTests
{
    [Theory]
    [InlineData(200, false)]
    [InlineData(30_000, true)]
    public void An_idle_connection_gives_back_what_a_long_path_took_and_keeps_what_the_next_request_needs(int length, bool gives)
    {
        var head = new RequestHead();
        Assert.Null(Read(head, length));
        Assert.Equal(length, head.Path.Length);
        head.Reset();
        head.Trim();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Read(head, 200);
        Assert.Equal(gives, GC.GetAllocatedBytesForCurrentThread() > before);
    }

    private static string? Read(RequestHead head, int length)
    {
        var room = head.Reserve(length);
        room[..length].Fill((byte)'/');
        head.Length = length;
        return head.SetTarget(0, length);
    }
}
