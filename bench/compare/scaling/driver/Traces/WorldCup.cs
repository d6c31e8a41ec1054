using System.Globalization;

namespace ScalingDriver.Traces;

/// <summary>
/// Days of the web site of the football World Cup of 1998, requests by the minute. The file (period,count) is not part of the project:
/// TENFOLD_TRAFFIC names it, or it stands in ../shared/data beside the repository.
/// </summary>
public static class WorldCup
{
    private const string File = "worldcup98-requests-per-minute.csv";

    // Of the site's rate: the peak of 30 June is then 14 times what an instance carries.
    private const double Scale = 0.4;
    private const int Day = 86_400;

    /// <summary>Where the file is; null: it is not here.</summary>
    public static string? Find()
    {
        if (Environment.GetEnvironmentVariable("TENFOLD_TRAFFIC") is { Length: > 0 } named)
        {
            return System.IO.File.Exists(named) ? named : null;
        }

        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var path = Path.Combine(folder.FullName, "shared", "data", File);
            if (System.IO.File.Exists(path))
            {
                return path;
            }
        }

        return null;
    }

    /// <summary>A day with two matches, and the same day after the one before it.</summary>
    public static IReadOnlyList<Trace> Read(string path)
    {
        var minutes = new Dictionary<DateTime, int>();
        foreach (var line in System.IO.File.ReadLines(path).Skip(1))
        {
            var comma = line.IndexOf(',');
            minutes[DateTime.ParseExact(line.AsSpan(0, comma), "yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)] = int.Parse(line.AsSpan(comma + 1), CultureInfo.InvariantCulture);
        }

        return
        [
            Days("worldcup", "30 June 1998 of the World Cup's site, at 40% of its rate", new DateTime(1998, 6, 30), 1, minutes),
            Days("two-days", "29 and 30 June 1998; the second", new DateTime(1998, 6, 29), 2, minutes) with { Season = Day, MeasuredFrom = Day },
        ];
    }

    /// <summary>What is played without the file: a day of the same shape, two peaks in the afternoon and evening.</summary>
    public static IReadOnlyList<Trace> Synthetic() =>
    [
        new("worldcup", "a made-up day with two matches (the recorded one is not here)", Day, Made),
        new("two-days", "two made-up days; the second", 2 * Day, t => Made(t % Day) * (t < Day ? 0.9 : 1)) { Season = Day, MeasuredFrom = Day },
    ];

    private static Trace Days(string name, string what, DateTime begins, int days, Dictionary<DateTime, int> minutes)
    {
        var rates = new double[(days * 1440) + 1];
        for (var i = 0; i < rates.Length; i++)
        {
            rates[i] = minutes.GetValueOrDefault(begins.AddMinutes(i)) / 60.0 * Scale;
        }

        // The count of a minute is its mean: it stands at the middle, with lines between.
        double Rate(int second)
        {
            var at = Math.Max(0, (second - 30) / 60.0);
            var minute = (int)at;
            return rates[minute] + ((rates[minute + 1] - rates[minute]) * (at - minute));
        }

        return new Trace(name, what, days * Day, Rate) { Begins = new DateTimeOffset(begins, TimeSpan.Zero) };
    }

    private static double Made(int t) => 150 + (150 * (1 - Math.Cos(2 * Math.PI * t / Day))) + Match(t, 14.5) + Match(t, 19);

    // Two halves, each with a rush in and out of 10 minutes.
    private static double Match(int t, double hour)
    {
        var minute = (t / 60.0) - (hour * 60);
        return 950 * (Hump(minute, 0, 45) + Hump(minute, 60, 105));
    }

    private static double Hump(double minute, double from, double to) => Math.Clamp(Math.Min(minute - from + 5, to + 5 - minute) / 10, 0, 1);
}
