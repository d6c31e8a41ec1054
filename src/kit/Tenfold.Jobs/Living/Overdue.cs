using Tenfold.Jobs.Running;

namespace Tenfold.Jobs.Living;

/// <summary>Stops runs whose time is over, and ends those that do not stop then.</summary>
internal sealed class Overdue(TimeProvider time)
{
    /// <summary>How long a handler may take to end after it was told to.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    private readonly List<JobRun> _abandoned = []; // no longer held, and still running

    /// <returns>Handlers that do not end although they were told to, a while ago.</returns>
    public int Look(HeldRuns held)
    {
        var now = time.GetTimestamp();
        _abandoned.RemoveAll(run => run.HasReturned);
        foreach (var run in held.All)
        {
            if (run.StartedAt == 0)
            {
                continue;
            }

            var ran = time.GetElapsedTime(run.StartedAt, now);
            if (run.Job.Left is { } left && time.GetElapsedTime(run.ClaimedAt, now) > left)
            {
                run.Stop(StopReason.Deadline, now);
            }
            else if (ran > run.Options.Timeout)
            {
                run.Stop(StopReason.Timeout, now);
            }

            if (run.StoppedAt != 0 && time.GetElapsedTime(run.StoppedAt, now) > Grace)
            {
                run.Abandon(ran);
                if (!run.HasReturned && !_abandoned.Contains(run))
                {
                    _abandoned.Add(run);
                }
            }
        }

        return _abandoned.Count;
    }
}
