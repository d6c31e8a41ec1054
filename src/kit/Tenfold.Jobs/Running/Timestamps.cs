namespace Tenfold.Jobs.Running;

/// <summary>Timestamps of a worker's clock.</summary>
internal static class Timestamps
{
    /// <summary>The timestamp so long after another one.</summary>
    public static long After(this TimeProvider time, long now, TimeSpan pause) => now + (long)(pause.TotalSeconds * time.TimestampFrequency);
}
