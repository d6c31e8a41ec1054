using System.Globalization;
using System.Runtime.InteropServices;

namespace Tenfold.Runtime.Scaling;

/// <summary>What the workers of one process have done with a queue's jobs since it was started.</summary>
/// <param name="Ended">Completed, or failed for good.</param>
/// <param name="Stopped">No longer running for another reason: failed and to be tried again, given back, cancelled.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct JobCount(double Ended, double Stopped)
{
    /// <summary>Adds up.</summary>
    public static JobCount operator +(JobCount a, JobCount b) => new(a.Ended + b.Ended, a.Stopped + b.Stopped);
}

/// <summary>Reads the counters of jobs (docs/jobs.md) from Prometheus text. Pure.</summary>
internal static class JobCounters
{
    private const string Prefix = "tenfold_jobs_";

    /// <summary>By queue; empty when there are none. What is no finite number is left out, and the queue with it.</summary>
    public static IReadOnlyDictionary<string, JobCount> Read(string text)
    {
        var counts = new Dictionary<string, JobCount>(StringComparer.Ordinal);
        var broken = new HashSet<string>(StringComparer.Ordinal);
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (!line.StartsWith(Prefix, StringComparison.Ordinal) || line.IndexOf('{') is var open && open < 0 || QueueOf(line) is not { } queue)
            {
                continue;
            }

            var stopped = line[Prefix.Length..open] switch
            {
                "completed_total" or "failed_total" => false,
                "retried_total" or "returned_total" => true,
                _ => (bool?)null,
            };
            var value = line[(line.LastIndexOf('}') + 1)..].Trim();
            var end = value.IndexOf(' '); // a timestamp may follow
            if (stopped is not { } isStopped)
            {
                continue;
            }

            if (double.TryParse(end < 0 ? value : value[..end], NumberStyles.Float, CultureInfo.InvariantCulture, out var n) && double.IsFinite(n) && n >= 0)
            {
                counts[queue] = counts.GetValueOrDefault(queue) + (isStopped ? new JobCount(0, n) : new JobCount(n, 0));
            }
            else
            {
                broken.Add(queue);
            }
        }

        foreach (var queue in broken)
        {
            counts.Remove(queue);
        }

        return counts;
    }

    private static string? QueueOf(ReadOnlySpan<char> line)
    {
        const string Label = "queue=\"";
        var start = line.IndexOf(Label, StringComparison.Ordinal);
        if (start < 0)
        {
            return null;
        }

        var rest = line[(start + Label.Length)..];
        var end = rest.IndexOf('"');
        return end <= 0 ? null : rest[..end].ToString();
    }
}
