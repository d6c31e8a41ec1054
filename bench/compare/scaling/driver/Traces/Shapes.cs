using ScalingDriver.Model;

namespace ScalingDriver.Traces;

/// <summary>Traces that are made, not recorded. An instance of the model carries 100 requests a second.</summary>
public static class Shapes
{
    private const int Minute = 60, Hour = 3600;

    /// <summary>Traces that come once; <paramref name="seed"/> is that of the noise in them.</summary>
    public static IReadOnlyList<Trace> All(int seed = 0) =>
    [
        new("constant", "300 requests/s for an hour", Hour, _ => 300),
        new("step", "150 requests/s, ten times that for 10 minutes, and back", 25 * Minute, t => t is >= Minute and < 11 * Minute ? 1500 : 150),
        new("ramp", "150 to 1,500 requests/s in 10 minutes, 5 minutes there, and back in 10", 35 * Minute, Ramp),
        new("sawtooth", "300 rising to 1,200 requests/s in 5 minutes and falling back at once, eight times", 40 * Minute, t => 300 + (900.0 * (t % 300) / 300)),
        new("flash", "200 requests/s, eight times that within 30 s, decaying with 3 minutes", 30 * Minute, Flash),
        new("noise", "600 requests/s with ups and downs of 20% that last 20 s, for four hours", 4 * Hour, t => Math.Max(0, 600 * (1 + (0.2 * Wander(t, 20, seed))))),
        new("sine", "a day between 100 and 1,500 requests/s", 24 * Hour, t => 800 - (700 * Math.Cos(2 * Math.PI * t / (24.0 * Hour)))),
    ];

    /// <summary>Traces that repeat themselves, measured from their second season on.</summary>
    public static IReadOnlyList<Trace> Seasons { get; } =
    [
        new("hourly", "200 requests/s, six times that within 20 s at the half of each hour for 12 minutes; the second to the fourth hour", 4 * Hour, Hourly) { Season = Hour, MeasuredFrom = Hour },
        new("roughly-hourly", "the same for six hours, but 40 s early to 40 s late, and between four and eight times; the second to the sixth hour", 6 * Hour, RoughlyHourly) { Season = Hour, MeasuredFrom = Hour },
    ];

    private static double Ramp(int t) => t switch
    {
        < 5 * Minute => 150,
        < 15 * Minute => 150 + (1350.0 * (t - (5 * Minute)) / (10 * Minute)),
        < 20 * Minute => 1500,
        < 30 * Minute => 1500 - (1350.0 * (t - (20 * Minute)) / (10 * Minute)),
        _ => 150,
    };

    private static double Flash(int t) => t switch
    {
        < 2 * Minute => 200,
        < (2 * Minute) + 30 => 200 + (1400.0 * (t - (2 * Minute)) / 30),
        _ => 200 + (1400 * Math.Exp(-(t - (2 * Minute) - 30) / 180.0)),
    };

    private static double Hourly(int t) => Peak(t % Hour, 6);

    private static double RoughlyHourly(int t) => (t / Hour) switch
    {
        0 => Peak(t % Hour, 6),
        1 => Peak((t % Hour) + 20, 5),
        2 => Peak((t % Hour) - 40, 7),
        3 => Peak((t % Hour) + 40, 6),
        4 => Peak((t % Hour) - 10, 8),
        _ => Peak((t % Hour) + 30, 4),
    };

    private static double Peak(int t, double times) => 200 * (1 + ((times - 1) * t switch
    {
        < 30 * Minute => 0,
        < (30 * Minute) + 20 => (t - (30 * Minute)) / 20.0,
        < 42 * Minute => 1,
        _ => 0,
    }));

    // A normal process that forgets itself after so many seconds: steps of noise, joined by lines, with a variance of 1 at each.
    private static double Wander(int t, int memory, int seed)
    {
        var (step, part) = (t / memory, t % memory / (double)memory);
        var stream = Noise.Stream(99, seed);
        return (Noise.Normal(stream, step) * (1 - part)) + (Noise.Normal(stream, step + 1) * part);
    }
}
