using System.Net;

namespace Tenfold.Gateway.Tests.Support;

/// <summary>An instance that answers its first request only when the test says so.</summary>
internal sealed class HeldUpstream : IAsyncDisposable
{
    private readonly TaskCompletionSource _arrived = new();
    private readonly TaskCompletionSource _answer = new();
    private readonly RawUpstream _upstream;

    public HeldUpstream(string body) => _upstream = new RawUpstream(async peer =>
    {
        await peer.ReadRequestAsync();
        _arrived.TrySetResult();
        await _answer.Task;
        await peer.SendAsync(RawUpstream.Ok(body));
    });

    public EndPoint EndPoint => _upstream.EndPoint;

    /// <summary>Completes when the request is there.</summary>
    public Task Arrived => _arrived.Task.WaitAsync(TimeSpan.FromSeconds(10));

    public void Answer() => _answer.SetResult();

    public ValueTask DisposeAsync() => _upstream.DisposeAsync();
}
