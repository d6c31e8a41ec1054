using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Tenfold.Guide;

/// <summary>What a metric is kept at: a share (<c>70%</c>), a time (<c>400ms</c>) or a count (<c>1000</c>, <c>50k</c>).</summary>
/// <param name="Value">The share as a fraction, the time in seconds, or the count.</param>
/// <param name="Unit">Which of them it is.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct ScaleTarget(double Value, ScaleUnit Unit)
{
    /// <summary>Reads <c>70%</c>, <c>400ms</c> or <c>50k</c>; <paramref name="error"/> says what is wrong.</summary>
    public static bool TryParse(string text, out ScaleTarget target, [NotNullWhen(false)] out string? error)
    {
        error = null;
        if (Number.TryParseCount(text, out var count, out _))
        {
            target = new ScaleTarget((double)count, ScaleUnit.Count);
        }
        else if (Percentage.TryParse(text, out var share, out _))
        {
            target = new ScaleTarget(share.Fraction, ScaleUnit.Share);
        }
        else if (Duration.TryParse(text, out var time, out _))
        {
            target = new ScaleTarget(time.TotalSeconds, ScaleUnit.Time);
        }
        else
        {
            target = default;
            error = $"expected a percentage (70%), a duration (400ms) or a number (1000), as the metric has it, found '{text}'";
        }

        return error is null;
    }

    public override string ToString() => Unit switch
    {
        ScaleUnit.Share => new Percentage(Value).ToString(),
        ScaleUnit.Time => Duration.Format(TimeSpan.FromSeconds(Value)),
        _ => Value.ToString(CultureInfo.InvariantCulture),
    };
}

/// <summary>What a metric is measured in.</summary>
public enum ScaleUnit
{
    /// <summary>How many.</summary>
    Count,

    /// <summary>A fraction, written as a percentage.</summary>
    Share,

    /// <summary>Seconds, written as a duration.</summary>
    Time,
}
