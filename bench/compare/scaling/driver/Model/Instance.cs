using System.Runtime.InteropServices;
using Tenfold.Scaling;

namespace ScalingDriver.Model;

/// <summary>One instance of the model. Changed by its <see cref="Cluster"/> only.</summary>
public sealed class Instance(InstanceModel model, int id, double startedAt, double readyAt)
{
    private Usage _current;
    private Usage? _last;

    public int Id { get; } = id;

    /// <summary>Second at which it becomes ready.</summary>
    public double ReadyAt { get; } = readyAt;

    /// <summary>Seconds it took to get ready.</summary>
    public double StartTime => ReadyAt - startedAt;

    /// <summary>Second from which it drains; null: it does not.</summary>
    public double? LeavingAt { get; set; }

    /// <summary>Requests that wait at it.</summary>
    public double Backlog { get; private set; }

    /// <summary>Its weight for new requests, as in the gateway: a tenth when it becomes ready, rising to 1.</summary>
    public double Weight(double now) =>
        LeavingAt is not null || now < ReadyAt ? 0 : Math.Clamp((now - ReadyAt) / model.SlowStart, 0.1, 1);

    /// <summary>One second with so many requests.</summary>
    public FluidStep Step(double now, double arriving, Latencies latencies)
    {
        var step = Queueing.Step(Backlog, arriving, model.Capacity, model.Timeout);
        var waiting = (Backlog + step.Backlog) / 2;
        Backlog = step.Backlog;
        var mean = Queueing.Sojourn(model.Service, step.Accepted / model.Capacity);
        var shift = model.Elsewhere + (waiting / model.Capacity);
        latencies.Add(step.Accepted, shift, mean);
        if (now >= ReadyAt && now - 1 < ReadyAt)
        {
            _current = default; // What it did until it was ready is not counted as its load.
        }

        // Starting takes all the CPU there is.
        _current.Cpu += now < ReadyAt ? 1 : step.Served / model.Capacity;
        _current.Begun += step.Accepted;
        _current.InFlight += waiting + (step.Accepted * (model.Elsewhere + mean));
        _current.Seconds++;
        return step;
    }

    /// <summary>Ends a period of the policy's metrics. What was not there in it has no sample.</summary>
    public void EndPeriod()
    {
        _last = _current.Seconds > 0 ? _current : null;
        _current = default;
    }

    /// <summary>In flight on average over the last period, in requests.</summary>
    public double InFlight => _last is { } last ? last.InFlight / last.Seconds : 0;

    /// <summary>As a policy sees it: the state of now, the metrics of the last period.</summary>
    public InstanceSample Sample(double now) => new()
    {
        Phase = LeavingAt is not null ? InstancePhase.Leaving : now < ReadyAt ? InstancePhase.Starting : InstancePhase.Ready,
        Age = TimeSpan.FromSeconds(now - startedAt),
        ReadyFor = now < ReadyAt ? null : TimeSpan.FromSeconds(now - ReadyAt),
        Cpu = _last is { } cpu ? Math.Clamp(cpu.Cpu / cpu.Seconds * (1 + (model.CpuNoise / Math.Sqrt(cpu.Seconds) * Noise.Normal(Noise.Stream(Id, model.Seed), (long)now))), 0, 1) : null,
        Memory = _last is null ? null : Math.Min(1, 0.35 + (0.001 * InFlight)),
        RequestsPerSecond = _last is { } begun ? begun.Begun / begun.Seconds : null,
        InFlight = _last is null ? null : InFlight,
    };

    [StructLayout(LayoutKind.Auto)]
    private struct Usage
    {
        public double Cpu;
        public double Begun;
        public double InFlight;
        public double Seconds;
    }
}
