namespace ScalingDriver.Model;

/// <summary>What an instance is like; the same for every policy. Times are in seconds unless they are TimeSpans.</summary>
public sealed record InstanceModel
{
    /// <summary>Requests a second that its CPU carries: 5 ms of CPU a request, under a limit of 500m.</summary>
    public double Capacity { get; init; } = 100;

    /// <summary>What a request waits for beside CPU (its database), in seconds.</summary>
    public double Elsewhere { get; init; } = 0.02;

    /// <summary>A request that would wait longer than this fails, in seconds.</summary>
    public double Timeout { get; init; } = 10;

    /// <summary>Median time from the start of the process to ready, in seconds.</summary>
    public double Start { get; init; } = 10;

    /// <summary>Spread of the start time: standard deviation of its logarithm.</summary>
    public double StartSpread { get; init; } = 0.15;

    /// <summary>How long a ready instance gets less than its share, in seconds; the gateway's slow start.</summary>
    public double SlowStart { get; init; } = 10;

    /// <summary>How long a leaving instance is kept, and paid for, in seconds.</summary>
    public double Drain { get; init; } = 30;

    /// <summary>p95 that is promised, in seconds: rez's budget of its product list.</summary>
    public double Budget { get; init; } = 0.4;

    /// <summary>Standard deviation of a CPU sample over one second, as a share of it.</summary>
    public double CpuNoise { get; init; } = 0.05;

    /// <summary>Other numbers make other start times and samples.</summary>
    public int Seed { get; init; }

    /// <summary>Seconds of CPU pace that a request needs: what it takes alone on the instance.</summary>
    public double Service => 1 / Capacity;

    /// <summary>Requests in flight at an instance that is busy to this share, by Little's law.</summary>
    public double InFlightAt(double busy) => Capacity * busy * (Elsewhere + Queueing.Sojourn(Service, busy));
}
