using Tenfold.Guide;

namespace Tenfold.Load.Pacing;

/// <summary>Arithmetic on stage lists. Pure.</summary>
public static class Stages
{
    /// <summary>How long all stages together last.</summary>
    public static TimeSpan Total(IReadOnlyList<LoadStage> stages) =>
        stages.Aggregate(TimeSpan.Zero, (sum, stage) => sum + stage.For);

    /// <summary>The same levels in <paramref name="total"/>, each stage shortened or lengthened in proportion.</summary>
    public static IReadOnlyList<LoadStage> Compress(IReadOnlyList<LoadStage> stages, TimeSpan total)
    {
        var factor = total / Total(stages);
        return [.. stages.Select(stage => stage with { For = stage.For * factor })];
    }

    /// <summary>Whether the test is an open model (arrivals a second) or a closed one (virtual users).</summary>
    /// <exception cref="LoadException">No stage, no duration, or both models at once.</exception>
    public static LoadModel ModelOf(IReadOnlyList<LoadStage> stages)
    {
        ArgumentNullException.ThrowIfNull(stages);
        if (stages.Count == 0 || Total(stages) <= TimeSpan.Zero)
        {
            throw new LoadException(LoadFault.Usage, "the load test has no stage that lasts: write at least one, such as { for: 1m, users: 10 }");
        }

        foreach (var stage in stages)
        {
            if (stage.For < TimeSpan.Zero || stage.Users < 0 || stage.Rate is < 0 or double.NaN or double.PositiveInfinity)
            {
                throw new LoadException(LoadFault.Usage, $"a stage cannot be negative: {stage}");
            }
        }

        if (stages.All(s => s.Users is not null && s.Rate is null))
        {
            return LoadModel.Closed;
        }

        return stages.All(s => s.Rate is not null && s.Users is null)
            ? LoadModel.Open
            : throw new LoadException(LoadFault.Usage, "every stage of a load test sets either users or rate, all of them the same one");
    }

    /// <summary>Index of the stage that runs at <paramref name="elapsed"/>; the last one after the end.</summary>
    public static int IndexAt(IReadOnlyList<LoadStage> stages, TimeSpan elapsed)
    {
        ArgumentNullException.ThrowIfNull(stages);
        var end = TimeSpan.Zero;
        for (var i = 0; i < stages.Count; i++)
        {
            end += stages[i].For;
            if (elapsed < end)
            {
                return i;
            }
        }

        return stages.Count - 1;
    }
}

/// <summary>What the stages count.</summary>
public enum LoadModel
{
    /// <summary>Virtual users, each of which waits for an answer before it goes on.</summary>
    Closed,

    /// <summary>Arrivals a second, which do not wait for anything.</summary>
    Open,
}
