using Tenfold.Jobs.Ending;

namespace Tenfold.Jobs.Running;

/// <summary>What a turn has to end. Used by one loop.</summary>
internal sealed class Turn
{
    public Turn(IEnumerable<JobEnding> endings)
    {
        foreach (var ending in endings)
        {
            (ending.MayBeGone ? MayBeGone : ending.IsPlain ? Plain : Others).Add(ending);
        }
    }

    /// <summary>Completed, with nobody else to be told.</summary>
    public List<JobEnding> Plain { get; } = [];

    /// <summary>Completed by their handlers; nothing is to be done unless that was rolled back.</summary>
    public List<JobEnding> MayBeGone { get; } = [];

    /// <summary>All others, ended one after another in a transaction.</summary>
    public List<JobEnding> Others { get; } = [];

    /// <summary>Of <see cref="Plain"/>, what was written.</summary>
    public HashSet<long> Done { get; set; } = [];

    /// <summary>Of <see cref="MayBeGone"/>, what is held all the same.</summary>
    public HashSet<long> StillHeld { get; set; } = [];

    /// <summary>Takes everything that is left.</summary>
    public List<JobEnding> TakeAll()
    {
        List<JobEnding> all = [.. Plain, .. MayBeGone, .. Others];
        Plain.Clear();
        MayBeGone.Clear();
        Others.Clear();
        return all;
    }

    /// <summary>
    /// After an exchange that was committed. What was not held in that form goes to the others: jobs that somebody waits for, or that are another's by now; and
    /// those whose handlers did not commit.
    /// </summary>
    public void Settle(HeldRuns held)
    {
        foreach (var ending in Plain)
        {
            Settle(ending, Done.Contains(ending.Job.Id), ending, held);
        }

        foreach (var ending in MayBeGone)
        {
            Settle(ending, !StillHeld.Contains(ending.Job.Id), ending.IfHeld!, held);
        }

        Plain.Clear();
        MayBeGone.Clear();
    }

    private void Settle(JobEnding ending, bool isWritten, JobEnding otherwise, HeldRuns held)
    {
        if (isWritten)
        {
            held.Remove(ending.Job.Id, ending.Job.Run);
        }
        else
        {
            Others.Add(otherwise);
        }
    }
}
