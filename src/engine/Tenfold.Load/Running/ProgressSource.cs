using Tenfold.Guide;
using Tenfold.Load.Loops;
using Tenfold.Load.Pacing;
using Tenfold.Wire.Latency;

namespace Tenfold.Load.Running;

/// <summary>Looks at a running test from outside. Not thread-safe.</summary>
internal sealed class ProgressSource(IReadOnlyList<LoadStage> stages, LoadModel model, LiveStats live, Worker[] workers, long start)
{
    private long? _at;
    private long _requests;
    private LatencySnapshot _latency = LatencySnapshot.Empty;

    /// <summary>What happened since the call before.</summary>
    public LoadProgress Next()
    {
        var (now, requests, errors, latency) = (EventLoop.Now(), live.Requests, live.Errors, live.Latency());
        var elapsed = TimeSpan.FromTicks(Math.Max(0, now - start) / TimeSpan.NanosecondsPerTick);
        var next = new LoadProgress(
            elapsed,
            Stages.Total(stages),
            Stages.IndexAt(stages, elapsed) + 1,
            stages.Count,
            model == LoadModel.Closed ? UserRamp.UsersAt(stages, elapsed) : ArrivalPacing.RateAt(stages, elapsed),
            model == LoadModel.Open,
            (requests - _requests) / Math.Max(1e-3, (now - (_at ?? start)) / 1e9),
            requests,
            errors,
            latency.Since(_latency).Percentile(95),
            workers.Sum(w => (long)w.InFlight));
        (_at, _requests, _latency) = (now, requests, latency);
        return next;
    }
}
