using System.Runtime.InteropServices;
using Tenfold.Scaling;

namespace ScalingDriver.Model;

/// <summary>
/// A service's instances behind a gateway that splits requests evenly, second by second: below its capacity an instance is a processor-sharing
/// queue, beyond it a backlog that has to be worked off. Not safe for concurrent use.
/// </summary>
public sealed class Cluster
{
    private readonly InstanceModel _model;
    private readonly List<Instance> _instances = [];
    private readonly Latencies _second = new();
    private readonly Latencies _current = new();
    private readonly Latencies _last = new();
    private double _arrived, _served, _lastArrived, _lastServed, _period;
    private int _made;

    /// <summary>With so many instances that have long been ready.</summary>
    public Cluster(InstanceModel model, int count)
    {
        _model = model;
        for (var i = 0; i < count; i++)
        {
            Add(-3600);
        }
    }

    /// <summary>Seconds since the beginning.</summary>
    public double Now { get; private set; }

    /// <summary>Instances that are wanted: starting and ready ones.</summary>
    public int Count { get; private set; }

    /// <summary>All that there are and are paid for, the leaving ones too.</summary>
    public int Paid => _instances.Count;

    /// <summary>Requests that wait anywhere.</summary>
    public double Backlog => _instances.Sum(instance => instance.Backlog);

    /// <summary>One second with so many requests.</summary>
    public Second Step(double arriving)
    {
        _second.Clear();
        var weights = 0.0;
        foreach (var instance in _instances)
        {
            weights += instance.Weight(Now);
        }

        var (served, failed) = (0.0, weights > 0 ? 0 : arriving);
        foreach (var instance in _instances)
        {
            var step = instance.Step(Now, weights > 0 ? arriving * instance.Weight(Now) / weights : 0, _second);
            (served, failed) = (served + step.Served, failed + step.Failed);
        }

        (_arrived, _served) = (_arrived + arriving, _served + served);
        _period++;
        _current.Add(_second);
        Now++;
        for (var i = _instances.Count - 1; i >= 0; i--)
        {
            if (_instances[i].LeavingAt is { } leaving && Now - leaving >= _model.Drain)
            {
                failed += _instances[i].Backlog;
                _instances.RemoveAt(i);
            }
        }

        return new Second(served, failed, _second.ShareBeyond(_model.Budget) > 0.05);
    }

    /// <summary>So many instances from now on: new ones start; those that leave are the ones that start, then the youngest.</summary>
    public void ScaleTo(int count)
    {
        while (Count < count)
        {
            Add(Now);
        }

        for (var i = _instances.Count - 1; i >= 0 && Count > count; i--)
        {
            if (_instances[i].LeavingAt is null)
            {
                _instances[i].LeavingAt = Now;
                Count--;
            }
        }
    }

    /// <summary>Ends a period of metrics: snapshots show it until the next one ends.</summary>
    public void EndPeriod()
    {
        foreach (var instance in _instances)
        {
            instance.EndPeriod();
        }

        _last.Clear();
        _last.Add(_current);
        _current.Clear();
        (_lastArrived, _lastServed) = _period > 0 ? (_arrived / _period, _served / _period) : (0, 0);
        _arrived = _served = _period = 0;
    }

    /// <summary>What a policy sees now, with the metrics of the last period.</summary>
    public Snapshot Look(DateTimeOffset at, TimeSpan over)
    {
        var samples = new InstanceSample[_instances.Count];
        double inFlight = 0, starts = 0, ready = 0;
        for (var i = 0; i < samples.Length; i++)
        {
            samples[i] = _instances[i].Sample(Now);
            inFlight += _instances[i].InFlight;
            if (_instances[i].ReadyAt <= Now)
            {
                starts += _instances[i].StartTime;
                ready++;
            }
        }

        return new Snapshot
        {
            Now = TimeSpan.FromSeconds(Now),
            At = at,
            Over = over,
            Count = Count,
            Instances = samples,
            Traffic = new TrafficSample(_lastArrived, inFlight, _last.Average, _last.Percentile(0.95), _last.Percentile(0.99), _lastServed),
            StartTime = ready > 0 ? TimeSpan.FromSeconds(starts / ready) : null,
        };
    }

    private void Add(double startedAt)
    {
        var takes = _model.Start * Math.Exp(_model.StartSpread * Noise.Normal(Noise.Stream(7, _model.Seed), _made));
        _instances.Add(new Instance(_model, _made++, startedAt, startedAt + takes));
        Count++;
    }
}

/// <summary>What became of a second's requests.</summary>
/// <param name="Served">Requests that were answered.</param>
/// <param name="Failed">Requests that got no answer.</param>
/// <param name="Late">Whether p95 was over the budget.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Second(double Served, double Failed, bool Late)
{
    public bool IsViolation => Late || Failed > 1e-9;
}
