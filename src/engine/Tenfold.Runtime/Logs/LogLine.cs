using System.Globalization;

namespace Tenfold.Runtime.Logs;

/// <summary>Who wrote a line.</summary>
public enum LogOrigin
{
    /// <summary>The process itself, standard output and standard error in their order.</summary>
    Out,

    /// <summary>What Tenfold itself says about the process: started, ended, lines lost.</summary>
    Host,
}

/// <summary>One line of a log file: <c>2026-11-21T07:40:00.123Z out text</c>.</summary>
/// <param name="Time">When it was read from the process; UTC, to the millisecond.</param>
/// <param name="Origin">Who wrote it.</param>
/// <param name="Text">The line without its end.</param>
public readonly record struct LogLine(DateTimeOffset Time, LogOrigin Origin, string Text)
{
    /// <summary>Longer lines are cut, so that one line cannot fill the disk or the memory. In characters.</summary>
    public const int Longest = 16 * 1024;

    private const string TimeFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
    private static readonly int TimeLength = "2026-11-21T07:40:00.123Z".Length;

    /// <summary>Reads one line of a log file; a line in no known form is text of the process at the time before it.</summary>
    public static LogLine Parse(string line, DateTimeOffset before = default)
    {
        if (line.Length > TimeLength
            && DateTimeOffset.TryParseExact(line.AsSpan(0, TimeLength), TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time))
        {
            var rest = line.AsSpan(TimeLength + 1);
            foreach (var (name, stream) in (ReadOnlySpan<(string, LogOrigin)>)[("out", LogOrigin.Out), ("host", LogOrigin.Host)])
            {
                if (rest.StartsWith(name, StringComparison.Ordinal) && rest.Length > name.Length && rest[name.Length] == ' ')
                {
                    return new LogLine(time, stream, rest[(name.Length + 1)..].ToString());
                }
            }
        }

        return new LogLine(before, LogOrigin.Out, line);
    }

    /// <summary>The origin's word in the file.</summary>
    public static string Word(LogOrigin origin) => origin == LogOrigin.Host ? "host" : "out";

    /// <summary>As it stands in the file. A line break inside the text becomes a space; a too long text is cut and says so.</summary>
    public override string ToString()
    {
        var text = Text.Length <= Longest ? Text : $"{Text.AsSpan(0, Longest)}… ({Text.Length - Longest} more characters)";
        return $"{Time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture)} {Word(Origin)} {text.ReplaceLineEndings(" ")}";
    }
}
