using System.Runtime.CompilerServices;

namespace Tenfold.Runtime.Logs;

/// <summary>A line and the log that it stands in.</summary>
/// <param name="Source">Name of the instance, store or <c>host</c>.</param>
/// <param name="Line">The line.</param>
public readonly record struct SourcedLine(string Source, LogLine Line);

/// <summary>Reads the log files of a system, running or not.</summary>
public static class LogReader
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);

    /// <summary>Names of all logs in the folder, sorted.</summary>
    public static IReadOnlyList<string> Sources(string folder) => !Directory.Exists(folder)
        ? []
        : [.. Directory.EnumerateFiles(folder, "*.log").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];

    /// <summary>
    /// Whether a word means a log: the log of that name (an instance, a store, <c>host</c>) or of one of that service's instances; no word means all.
    /// </summary>
    public static bool IsMeant(string source, string? word) =>
        word is null || source == word
        || (source.StartsWith(word + "-", StringComparison.Ordinal) && int.TryParse(source.AsSpan(word.Length + 1), out _));

    /// <summary>The last lines of the meant logs, by time, rotated files included.</summary>
    public static IReadOnlyList<SourcedLine> Last(string folder, string? word, int lines)
    {
        var all = new List<SourcedLine>();
        foreach (var source in Sources(folder).Where(source => IsMeant(source, word)))
        {
            using var file = new FollowedFile(PathOf(folder, source));
            all.AddRange(Last(file, folder, source, lines));
        }

        return ByTime(all, lines);
    }

    /// <summary>
    /// The last lines of the meant logs, then new ones as they are written, over rotations, including logs that appear later.
    /// Ends when cancelled. Lines of one log come in order, none twice and none left out.
    /// </summary>
    public static async IAsyncEnumerable<SourcedLine> FollowAsync(
        string folder, string? word, int lines, TimeProvider time, [EnumeratorCancellation] CancellationToken cancel)
    {
        var followed = new Dictionary<string, FollowedFile>(StringComparer.Ordinal);
        try
        {
            var before = new List<SourcedLine>();
            foreach (var source in Sources(folder).Where(source => IsMeant(source, word)))
            {
                followed[source] = new FollowedFile(PathOf(folder, source));
                before.AddRange(Last(followed[source], folder, source, lines));
            }

            foreach (var line in ByTime(before, lines))
            {
                yield return line;
            }

            using var timer = new PeriodicTimer(Poll, time);
            do
            {
                foreach (var source in Sources(folder).Where(source => IsMeant(source, word)))
                {
                    if (!followed.TryGetValue(source, out var file))
                    {
                        followed[source] = file = new FollowedFile(PathOf(folder, source));
                    }

                    foreach (var line in Parse(file, source))
                    {
                        yield return line;
                    }
                }
            }
            while (await timer.WaitForNextTickAsync(cancel));
        }
        finally
        {
            foreach (var file in followed.Values)
            {
                file.Dispose();
            }
        }
    }

    private static string PathOf(string folder, string source) => Path.Combine(folder, source + ".log");

    private static IReadOnlyList<SourcedLine> ByTime(List<SourcedLine> all, int lines) => [.. all.OrderBy(line => line.Line.Time).TakeLast(lines)];

    /// <summary>The last lines of one log; <paramref name="current"/> then stands at its end.</summary>
    private static List<SourcedLine> Last(FollowedFile current, string folder, string source, int lines)
    {
        var last = Parse(current, source).TakeLast(lines).ToList();
        for (var i = 1; last.Count < lines && File.Exists($"{PathOf(folder, source)}.{i}"); i++)
        {
            using var older = new FollowedFile($"{PathOf(folder, source)}.{i}");
            last.InsertRange(0, Parse(older, source).TakeLast(lines - last.Count));
        }

        return last;
    }

    private static IEnumerable<SourcedLine> Parse(FollowedFile file, string source)
    {
        var before = default(DateTimeOffset);
        foreach (var text in file.ReadNew())
        {
            var line = LogLine.Parse(text, before);
            before = line.Time;
            yield return new SourcedLine(source, line);
        }
    }
}
