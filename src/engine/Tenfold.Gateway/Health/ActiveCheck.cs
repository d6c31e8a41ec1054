using System.Text;
using Tenfold.Gateway.Instances;
using Tenfold.Wire.Http1;

namespace Tenfold.Gateway.Health;

/// <summary>What the last active check met.</summary>
/// <param name="At">When it ended.</param>
/// <param name="Status">The answer's status; null when there was no answer.</param>
/// <param name="Error">Why there was none; null when there was one.</param>
public sealed record CheckResult(DateTimeOffset At, int? Status, string? Error);

/// <summary>Asks one instance for its health path, again and again, on a new connection each time.</summary>
internal sealed class ActiveCheck(Instance instance, Guide.Health health, TimeProvider time, Action<Instance> changed)
{
    private readonly byte[] _request = Encoding.ASCII.GetBytes($"GET {health.Path} HTTP/1.1\r\nHost: {instance.Upstream.Service}\r\nUser-Agent: tenfold-health\r\nConnection: close\r\n\r\n");

    /// <summary>Checks until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var (bad, good) = (0, 0);
        try
        {
            while (true)
            {
                await Task.Delay(health.Interval, time, cancellationToken);
                var result = await CheckAsync(cancellationToken);
                (bad, good) = result.Status == 200 ? (0, good + 1) : (bad + 1, 0);
                instance.LastCheck = result;
                if (bad >= health.Failures && instance.SetHealthy(false))
                {
                    changed(instance);
                }
                else if (good >= health.Successes && instance.SetHealthy(true))
                {
                    changed(instance);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The instance has left.
        }
    }

    private async Task<CheckResult> CheckAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(health.Timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using var connection = await Http1Connection.ConnectAsync(instance.Upstream.EndPoint, cancellationToken: both.Token);
            await connection.WriteAsync(_request, both.Token);
            var head = await connection.ReadHeadAsync(cancellationToken: both.Token);
            while (head.Interim)
            {
                head = await connection.ReadHeadAsync(cancellationToken: both.Token);
            }

            return new CheckResult(time.GetUtcNow(), head.Status, null);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new CheckResult(time.GetUtcNow(), null, $"no answer within {health.Timeout.TotalMilliseconds:0} ms");
        }
        catch (Http1Exception e)
        {
            return new CheckResult(time.GetUtcNow(), null, e.Message);
        }
    }
}
