using System.Runtime.InteropServices;

namespace Tenfold.Gateway.Balancing;

/// <summary>An instance that could take the request.</summary>
/// <param name="Id">Hash of its name; the same in every process.</param>
/// <param name="InFlight">Requests it is answering now.</param>
/// <param name="Weight">Its share among the others, above 0; slow start has already been taken off.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Candidate(ulong Id, int InFlight, double Weight);

/// <summary>
/// Chooses one of the candidates. No clock and no I/O: the simulation uses the same code. Thread-safe.
/// </summary>
public interface IBalancingPolicy
{
    /// <param name="candidates">At least one.</param>
    /// <param name="key">Hash of what the request is to stick to; null when there is nothing.</param>
    /// <returns>Index of the chosen candidate.</returns>
    int Pick(ReadOnlySpan<Candidate> candidates, ulong? key);
}
