namespace Tenfold.Postgres.Moves;

/// <summary>
/// The steps of a move, in order. Each is done again, or found done, when a killed move is run again; from
/// <see cref="SwitchJournaled"/> on a move only goes forward.
/// </summary>
public enum MoveStep
{
    /// <summary>1. Everything that could be in the way was looked at, and is not.</summary>
    Preflighted = 1,

    /// <summary>2. The journal in the home database knows the move, and each object that it will make.</summary>
    Recorded = 2,

    /// <summary>3. The target has the tables, and no rows of these buckets.</summary>
    TargetReady = 3,

    /// <summary>4. The source publishes changes of these buckets.</summary>
    Published = 4,

    /// <summary>5. The source keeps its log from here on (a replication slot), and shows a snapshot of this moment.</summary>
    SlotMade = 5,

    /// <summary>6. The snapshot's rows are at the target, all in one transaction with the position they are of.</summary>
    Copied = 6,

    /// <summary>7. What has changed since then is at the target, and stays so as it comes.</summary>
    CaughtUp = 7,

    /// <summary>8. The target has the source's indexes and fresh statistics.</summary>
    Indexed = 8,

    /// <summary>9. Source and target were compared row by row.</summary>
    Compared = 9,

    /// <summary>10. Writes of these buckets wait; those of others and all reads go on.</summary>
    Blocked = 10,

    /// <summary>11. The last change of the source is at the target.</summary>
    Drained = 11,

    /// <summary>12. The target's sequences are past the source's.</summary>
    SequencesSet = 12,

    /// <summary>13. The journal says that the switch happens: the point of no return.</summary>
    SwitchJournaled = 13,

    /// <summary>14. The source refuses writes of these buckets.</summary>
    SourceFenced = 14,

    /// <summary>15. The target takes them.</summary>
    TargetOpened = 15,

    /// <summary>16. The map of the next epoch says so, and every process is told. Writes go on, at the target.</summary>
    Flipped = 16,

    /// <summary>17. No change came to the source after the switch; slot and publication are gone.</summary>
    SourceReleased = 17,

    /// <summary>18. The source's rows are deleted, and the journal's entry is.</summary>
    Dropped = 18,
}

/// <summary>How far a move is.</summary>
/// <param name="Move">Its number.</param>
/// <param name="Step">The step that is done, or in which it is when <paramref name="Done"/> is below <paramref name="Total"/>.</param>
/// <param name="Text">One sentence.</param>
/// <param name="Done">Rows so far, in a step that counts them.</param>
/// <param name="Total">Rows in all; 0 in a step that does not count.</param>
/// <param name="Left">Time that the step, or with <see cref="MoveStep.Recorded"/> all moves that are left, will probably still take; null when not known.</param>
public sealed record MoveProgress(long Move, MoveStep Step, string Text, long Done = 0, long Total = 0, TimeSpan? Left = null);
