using System.Runtime.InteropServices;

namespace ScalingDriver.Model;

/// <summary>Formulas of queueing. Pure.</summary>
public static class Queueing
{
    /// <summary>A queue is not taken to be busier than this in its steady state: what arrives beyond it becomes a backlog, second by second.</summary>
    public const double Busiest = 0.98;

    /// <summary>Mean time in a processor-sharing queue (M/G/1-PS), S / (1 − ρ), in the unit of <paramref name="service"/>.</summary>
    public static double Sojourn(double service, double busy) => service / (1 - Math.Min(busy, Busiest));

    /// <summary>What an instance with a queue does in one second: fluid, first come first served beyond its capacity.</summary>
    /// <param name="backlog">Requests that waited at its beginning.</param>
    /// <param name="arriving">Requests that arrive during it.</param>
    /// <param name="capacity">Requests that can be served in it.</param>
    /// <param name="timeout">Seconds after which a request fails: the backlog never grows beyond so much work.</param>
    public static FluidStep Step(double backlog, double arriving, double capacity, double timeout)
    {
        var accepted = Math.Min(arriving, Math.Max(0, (capacity * timeout) + capacity - backlog));
        var served = Math.Min(backlog + accepted, capacity);
        return new FluidStep(accepted, served, arriving - accepted, backlog + accepted - served);
    }
}

/// <summary>A second of a fluid queue, in requests.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct FluidStep(double Accepted, double Served, double Failed, double Backlog);
