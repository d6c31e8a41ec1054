using System.Globalization;

namespace Tenfold.Cli.Output;

/// <summary>Numbers with their units, for people.</summary>
internal static class Units
{
    /// <summary><c>850 ms</c>, <c>4.2 s</c>, <c>3m 20s</c>, <c>5h 3m</c>, <c>2d 4h</c>.</summary>
    public static string Duration(TimeSpan time) => time switch
    {
        { TotalSeconds: < 1 } => Text(time.TotalMilliseconds, "0") + " ms",
        { TotalSeconds: < 10 } => Text(time.TotalSeconds, "0.#") + " s",
        { TotalSeconds: < 60 } => Text(time.TotalSeconds, "0") + " s",
        { TotalHours: < 1 } => time.Seconds == 0 ? $"{time.Minutes}m" : $"{time.Minutes}m {time.Seconds}s",
        { TotalDays: < 1 } => time.Minutes == 0 ? $"{time.Hours}h" : $"{time.Hours}h {time.Minutes}m",
        _ => $"{(int)time.TotalDays}d {time.Hours}h",
    };

    /// <summary><c>37 MiB</c>; a dash for what is not known.</summary>
    public static string Bytes(long? bytes) => bytes switch
    {
        null => "-",
        < 1 << 10 => Text(bytes.Value, "0") + " B",
        < 1 << 20 => Text(bytes.Value / 1024.0, "0") + " KiB",
        < 1L << 30 => Text(bytes.Value / (double)(1 << 20), "0") + " MiB",
        _ => Text(bytes.Value / (double)(1L << 30), "0.0") + " GiB",
    };

    /// <summary>Latency: <c>0.42 ms</c>, <c>12.3 ms</c>, <c>1.20 s</c>.</summary>
    public static string Latency(double? milliseconds) => milliseconds switch
    {
        null => "-",
        < 1 => Text(milliseconds.Value, "0.00") + " ms",
        < 100 => Text(milliseconds.Value, "0.0") + " ms",
        < 1000 => Text(milliseconds.Value, "0") + " ms",
        _ => Text(milliseconds.Value / 1000, "0.00") + " s",
    };

    /// <summary>Requests a second.</summary>
    public static string Rate(double? perSecond) => perSecond is { } rate ? Text(rate, rate < 10 ? "0.0" : "0") + "/s" : "-";

    /// <summary>Cores in thousandths, as the guide writes them: <c>250m</c>.</summary>
    public static string Cores(double? cores) => cores is { } n ? Text(n * 1000, "0") + "m" : "-";

    public static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
