namespace Tenfold.Jobs;

/// <summary>Jobs that belong together.</summary>
/// <param name="Id">Of the batch, and of the job that runs when all have ended.</param>
/// <param name="Total">Jobs, without the final one.</param>
/// <param name="Completed">Those that have completed.</param>
/// <param name="Failed">Those that became dead letters.</param>
/// <param name="Cancelled">Those that were cancelled.</param>
public sealed record JobBatch(long Id, long Total, long Completed, long Failed, long Cancelled)
{
    /// <summary>Jobs that have not ended.</summary>
    public long Left => Total - Completed - Failed - Cancelled;
}
