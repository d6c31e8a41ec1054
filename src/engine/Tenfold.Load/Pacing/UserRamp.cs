using Tenfold.Guide;

namespace Tenfold.Load.Pacing;

/// <summary>How many virtual users a closed model has at a moment. Pure.</summary>
public static class UserRamp
{
    /// <summary>
    /// Users at <paramref name="elapsed"/>: a straight line from the level before the stage (0 at first) to its own, as
    /// k6's ramping-vus: whole users, the last one joining (or leaving) exactly at the end of the stage. A stage of no
    /// length jumps. After the last stage: 0.
    /// </summary>
    public static int UsersAt(IReadOnlyList<LoadStage> stages, TimeSpan elapsed)
    {
        ArgumentNullException.ThrowIfNull(stages);
        var (from, start) = (0, TimeSpan.Zero);
        foreach (var stage in stages)
        {
            var to = stage.Users ?? 0;
            if (elapsed < start + stage.For)
            {
                return from + (int)((long)(to - from) * (elapsed - start).Ticks / stage.For.Ticks);
            }

            (from, start) = (to, start + stage.For);
        }

        return 0;
    }

    /// <summary>The most users at once.</summary>
    public static int Most(IReadOnlyList<LoadStage> stages) => stages.Max(stage => stage.Users ?? 0);
}
