using Tenfold.Scaling;

namespace ScalingDriver.Policies;

/// <summary>
/// Target tracking of AWS (Application Auto Scaling of an ECS service): an alarm at three minutes in a row above the target sets
/// ceil(capacity × metric / target), one at 15 minutes in a row below nine tenths of it does so downwards. In the cooldown of a change outwards
/// the capacity that it started from counts, so that what was added is not asked for twice; after a change in either direction there is none
/// inwards until the cooldown is over. Minutes without a sample change nothing.
/// </summary>
public sealed class TargetTracking(double target, int min, int max, int outCooldown = 300, int inCooldown = 300) : IPilot
{
    private int _above, _below, _outFrom;
    private double _outUntil = double.NegativeInfinity, _inFrom = double.NegativeInfinity;

    public int Every => 60;

    /// <summary>Until a minute's datapoint is there and its alarm is evaluated.</summary>
    public int Delay => 30;

    public (int Min, int Max) Bounds => (min, max);

    public int Decide(Snapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        double sum = 0, samples = 0;
        foreach (var instance in snapshot.Instances)
        {
            if (instance.Phase == InstancePhase.Ready && instance.Cpu is { } cpu)
            {
                sum += cpu;
                samples++;
            }
        }

        if (samples == 0)
        {
            return snapshot.Count;
        }

        var metric = sum / samples;
        var now = snapshot.Now.TotalSeconds;
        _above = metric > target ? _above + 1 : 0;
        _below = metric < 0.9 * target ? _below + 1 : 0;
        if (_above >= 3)
        {
            var from = now < _outUntil ? _outFrom : snapshot.Count;
            var wanted = Math.Min(max, (int)Math.Ceiling(from * metric / target));
            if (wanted > snapshot.Count)
            {
                (_outFrom, _outUntil) = (from, now + outCooldown);
                _inFrom = Math.Max(_inFrom, now + inCooldown);
                return wanted;
            }
        }

        if (_below >= 15 && now >= _inFrom)
        {
            var wanted = Math.Max(min, (int)Math.Ceiling(snapshot.Count * metric / target));
            if (wanted < snapshot.Count)
            {
                _inFrom = now + inCooldown;
                return wanted;
            }
        }

        return snapshot.Count;
    }
}
