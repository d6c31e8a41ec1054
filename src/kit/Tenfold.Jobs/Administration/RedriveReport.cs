namespace Tenfold.Jobs.Administration;

/// <summary>What <see cref="JobAdmin.RedriveAsync"/> did.</summary>
/// <param name="Queue">The queue.</param>
/// <param name="Redriven">Dead letters that wait again.</param>
/// <param name="Left">Those that could not be run again.</param>
/// <param name="Reasons">Why, for the first 20 of them.</param>
public sealed record RedriveReport(string Queue, long Redriven, long Left, IReadOnlyList<LeftJob> Reasons);

/// <summary>A dead letter that stays one.</summary>
/// <param name="Id">The job.</param>
/// <param name="Reason">Why.</param>
public sealed record LeftJob(long Id, string Reason);
