using System.Globalization;
using Tenfold.Guide;
using Tenfold.Scaling.Metrics;

namespace Tenfold.Scaling.Prediction;

/// <summary>
/// Instances ahead of a load that comes back: those that the load needs which is expected by the time that a new one is ready, and two slots of the season later.
/// It never asks for fewer, and says nothing before it has seen a whole season or while its forecasts are not good enough.
/// </summary>
internal sealed class PredictPolicy : IScalingPolicy
{
    private const int SlotsAhead = 2; // one because loads are known by the slot, one because a peak may come early

    private static readonly TimeSpan StartUnknown = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ShortestSlot = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ShortestMemory = TimeSpan.FromMinutes(10);

    private readonly Rules _rules;
    private readonly SeasonalForecast _forecast;
    private readonly Need _need;

    /// <param name="scale">Rules with metrics and a prediction.</param>
    /// <param name="options">The prediction.</param>
    public PredictPolicy(Scale scale, ScalePrediction options)
        : this(Rules.Of(scale, options), new SeasonalForecast(new Season(options.Season, scale.Interval > ShortestSlot ? scale.Interval : ShortestSlot)), default)
    {
    }

    private PredictPolicy(Rules rules, SeasonalForecast forecast, Need need) => (_rules, _forecast, _need) = (rules, forecast, need);

    public (Proposal Proposal, IScalingPolicy Next) Propose(Snapshot snapshot)
    {
        if (Need.LoadOf(snapshot, _rules.Metrics) is not { } load)
        {
            return (Proposal.Nothing(_rules.Unseen), this);
        }

        var next = new PredictPolicy(_rules, _forecast.With(snapshot.At, snapshot.Over, load), _need.With(snapshot, _rules.Metrics, load, _rules.Memory));
        return (next.Floor(snapshot), next);
    }

    private Proposal Floor(Snapshot snapshot)
    {
        if (!_forecast.IsWhole || _forecast.Error is not { } error)
        {
            return Proposal.Nothing(_rules.Young);
        }

        if (error > _rules.Error)
        {
            return Proposal.Nothing($"forecasts were off by {Percent(error)} and are not followed");
        }

        var ahead = (snapshot.StartTime ?? StartUnknown) + (SlotsAhead * _forecast.Season.Slot);
        if (_forecast.Highest(snapshot.At, snapshot.At + ahead) is not { } expected || _need.Each is not { } each)
        {
            return Proposal.Nothing(_rules.Young);
        }

        return Proposal.AtLeast(
            Counts.Tolerant(expected * each, snapshot.Count, _rules.Tolerance),
            $"{MetricText.Value(expected, ScaleUnit.Count)} {_rules.Unit} are expected within {Duration.Format(TimeSpan.FromSeconds(Math.Ceiling(ahead.TotalSeconds)))}, as {_rules.Ago} ago (forecasts were off by {Percent(error)})");
    }

    private static string Percent(double share) => Math.Round(share * 100).ToString(CultureInfo.InvariantCulture) + "%";

    // What never changes, texts included.
    private sealed record Rules(IReadOnlyList<ScaleMetric> Metrics, double Error, double Tolerance, TimeSpan Memory, string Unit, string Ago, string Unseen, string Young)
    {
        public static Rules Of(Scale scale, ScalePrediction options)
        {
            var queue = Need.QueueOf(scale.Metrics);
            var season = Duration.Format(options.Season);
            var memory = options.Season / 24;
            return new Rules(
                scale.Metrics,
                options.Error.Fraction,
                scale.Tolerance.Fraction,
                memory > ShortestMemory ? memory : ShortestMemory,
                queue is null ? "requests/s" : $"jobs/s of {queue}",
                season,
                $"no forecast: {(queue is null ? "requests" : $"arrivals of {queue}")} were not seen",
                $"no forecast before a whole season of {season} was seen");
        }
    }
}
