using System.Runtime.InteropServices;

namespace Tenfold.Scaling;

/// <summary>
/// One rule with all that it remembers. Immutable and pure: no clock, no input but the snapshot, so that the running system and the simulation
/// decide the same. To add one: docs/scaling.md.
/// </summary>
public interface IScalingPolicy
{
    /// <summary>What it wants, and itself as it is after having seen that.</summary>
    (Proposal Proposal, IScalingPolicy Next) Propose(Snapshot snapshot);
}

/// <summary>What a policy wants.</summary>
/// <param name="Kind">What the wish is worth.</param>
/// <param name="Count">Instances; 0 unless it is a wish.</param>
/// <param name="Saw">What it saw, as part of a sentence: "cpu at 91% (target 70%)".</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Proposal(ProposalKind Kind, int Count, string Saw)
{
    /// <summary>How many of <see cref="Count"/> the window of <c>in</c> keeps once the wish is gone: those for a moment's surge are not among them.</summary>
    public int Lasting { get; init; } = Count;

    /// <summary>So many instances.</summary>
    public static Proposal Of(int count, string saw) => new(ProposalKind.Wish, count, saw);

    /// <summary>At least so many: for policies that never ask for fewer than there would be without them.</summary>
    public static Proposal AtLeast(int count, string saw) => new(ProposalKind.Floor, count, saw);

    /// <summary>Nothing: its alarms are silent, or it has no reason to speak.</summary>
    public static Proposal Nothing(string saw) => new(ProposalKind.Nothing, 0, saw);

    /// <summary>It cannot tell, for want of data: nobody may remove instances now.</summary>
    public static Proposal Blind(string saw) => new(ProposalKind.Blind, 0, saw);
}

/// <summary>What a wish is worth.</summary>
public enum ProposalKind
{
    /// <summary>No opinion.</summary>
    Nothing,

    /// <summary>It wants that number.</summary>
    Wish,

    /// <summary>It wants no fewer.</summary>
    Floor,

    /// <summary>It lacks data.</summary>
    Blind,
}
