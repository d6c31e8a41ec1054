using System.Globalization;

namespace Tenfold.Load.Reports;

/// <summary>Numbers for people, each with its unit. Pure.</summary>
public static class Units
{
    /// <summary>Three significant digits: <c>123 µs</c>, <c>4.56 ms</c>, <c>78.9 s</c>.</summary>
    public static string Time(TimeSpan time) => Milliseconds(time.TotalMilliseconds);

    /// <inheritdoc cref="Time"/>
    public static string Milliseconds(double milliseconds) => milliseconds switch
    {
        0 => "0 ms",
        < 0.9995 => Digits(milliseconds * 1000) + " µs",
        < 999.5 => Digits(milliseconds) + " ms",
        _ => Digits(milliseconds / 1000) + " s",
    };

    /// <summary>A share as a percentage: <c>0%</c>, <c>0.013%</c>, <c>12.5%</c>.</summary>
    public static string Share(double share) => share == 0 ? "0%" : Digits(share * 100) + "%";

    /// <summary><c>1,234.5/s</c>.</summary>
    public static string Rate(double rate) => rate.ToString("N1", CultureInfo.InvariantCulture) + "/s";

    /// <summary><c>1,234</c>.</summary>
    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    private static string Digits(double value) => value.ToString(value switch
    {
        < 0.001 => "0.#####",
        < 0.9995 => "0.###",
        < 9.995 => "0.##",
        < 99.95 => "0.#",
        _ => "N0",
    }, CultureInfo.InvariantCulture);
}
