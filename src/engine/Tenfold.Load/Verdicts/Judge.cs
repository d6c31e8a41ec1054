using Tenfold.Guide;
using Tenfold.Load.Results;

namespace Tenfold.Load.Verdicts;

/// <summary>Holds measurements against limits. Pure.</summary>
public static class Judge
{
    /// <summary>The limits that a budget sets, for one route.</summary>
    public static IEnumerable<Judgement> Route(string name, RouteStats stats, Budget budget)
    {
        ArgumentNullException.ThrowIfNull(budget);
        return
        [
            .. Latency(name, stats, Measure.Average, budget.Average),
            .. Latency(name, stats, Measure.P95, budget.P95),
            .. Latency(name, stats, Measure.P99, budget.P99),
            .. Errors(name, stats, budget.Errors),
        ];
    }

    /// <summary>The limits for all requests together.</summary>
    /// <param name="stats">All requests.</param>
    /// <param name="bestRate">Requests a second that were answered well, in the best <see cref="Timeline.Sustained"/> of the test.</param>
    /// <param name="thresholds">The limits.</param>
    public static IEnumerable<Judgement> Total(RouteStats stats, double bestRate, Thresholds thresholds)
    {
        ArgumentNullException.ThrowIfNull(thresholds);
        return
        [
            .. Latency("all", stats, Measure.Average, thresholds.Average),
            .. Latency("all", stats, Measure.P50, thresholds.P50),
            .. Latency("all", stats, Measure.P95, thresholds.P95),
            .. Latency("all", stats, Measure.P99, thresholds.P99),
            .. Latency("all", stats, Measure.Max, thresholds.Max),
            .. Errors("all", stats, thresholds.Errors),
            .. thresholds.RequestsPerSecond is { } least ? [new Judgement("all", Measure.Rate, least, bestRate, bestRate >= least ? Outcome.Met : Outcome.Missed, stats.Count, 1)] : Array.Empty<Judgement>(),
        ];
    }

    private static IEnumerable<Judgement> Latency(string subject, RouteStats stats, Measure measure, TimeSpan? limit)
    {
        if (limit is not { } most)
        {
            yield break;
        }

        var histogram = stats.Latency;
        var unanswered = stats.Count - histogram.Count; // no connection, no usable answer: certainly not within the limit
        var (measured, share) = measure switch
        {
            Measure.Average => (histogram.Mean, 1.0),
            Measure.P50 => (histogram.Percentile(50), 0.50),
            Measure.P95 => (histogram.Percentile(95), 0.05),
            Measure.P99 => (histogram.Percentile(99), 0.01),
            _ => (histogram.Max, 1.0),
        };
        yield return Of(subject, measure, most.TotalMilliseconds, measured.TotalMilliseconds, histogram.Count, share, histogram.CountAbove(most) + unanswered);
    }

    private static IEnumerable<Judgement> Errors(string subject, RouteStats stats, Percentage? limit)
    {
        if (limit is { } most)
        {
            yield return Of(subject, Measure.Errors, most.Fraction, stats.ErrorShare, stats.Count, most.Fraction is > 0 and < 1 ? most.Fraction : 1, stats.Errors);
        }
    }

    // over: requests beyond the limit or without an answer, of which a share may be.
    private static Judgement Of(string subject, Measure measure, double limit, double measured, long samples, double share, long over)
    {
        var needed = (long)Math.Ceiling(Math.Round(1 / share, 6));
        var outcome = samples >= needed
            ? measured <= limit ? Outcome.Met : Outcome.Missed
            : over > (share < 1 ? share * needed : 0) ? Outcome.Missed : Outcome.NotEnoughSamples;
        return new Judgement(subject, measure, limit, measured, outcome, samples, needed);
    }
}
