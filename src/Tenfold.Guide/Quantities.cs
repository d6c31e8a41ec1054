using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Tenfold.Guide;

/// <summary>Processor share in thousandths of a core; written <c>500m</c> or <c>1.5</c>.</summary>
public readonly record struct Cpu(int Millicores)
{
    /// <summary>In cores.</summary>
    public double Cores => Millicores / 1000.0;

    /// <summary>Reads <c>500m</c> or cores (<c>2</c>, <c>1.5</c>); <paramref name="error"/> says what is wrong.</summary>
    public static bool TryParse(string text, out Cpu cpu, [NotNullWhen(false)] out string? error)
    {
        var milli = text.EndsWith('m');
        var found = Number.TryParse(milli ? text.AsSpan(0, text.Length - 1) : text, out var number);
        var value = milli ? number : number * 1000;
        var fits = found && value <= int.MaxValue && value == decimal.Truncate(value);
        cpu = fits ? new Cpu((int)value) : default;
        error = fits ? null
            : found ? $"'{text}' is too much or too fine: a processor share is counted in whole thousandths of a core"
            : $"expected a processor share such as 500m or 1.5, found '{text}'";
        return fits;
    }

    public override string ToString() => $"{Millicores}m";
}

/// <summary>A number of bytes; written <c>512Mi</c>, <c>1Gi</c>, <c>64k</c> or plain.</summary>
public readonly record struct ByteSize(long Bytes)
{
    private static readonly (string Name, long Bytes)[] Units =
    [
        ("Ki", 1L << 10), ("Mi", 1L << 20), ("Gi", 1L << 30),
        ("k", 1_000), ("M", 1_000_000), ("G", 1_000_000_000),
    ];

    public static ByteSize FromKibibytes(long n) => new(n << 10);

    public static ByteSize FromMebibytes(long n) => new(n << 20);

    /// <summary>Reads <c>512Mi</c>, <c>1.5Gi</c>, <c>64k</c> or plain bytes; <paramref name="error"/> says what is wrong.</summary>
    public static bool TryParse(string text, out ByteSize size, [NotNullWhen(false)] out string? error)
    {
        var unit = Units.FirstOrDefault(u => text.EndsWith(u.Name, StringComparison.Ordinal), ("", 1));
        var found = Number.TryParse(text.AsSpan(0, text.Length - unit.Item1.Length), out var number);
        var fits = found && number <= long.MaxValue / unit.Item2 && number * unit.Item2 == decimal.Truncate(number * unit.Item2);
        size = fits ? new ByteSize((long)(number * unit.Item2)) : default;
        error = fits ? null
            : found ? $"'{text}' is too much, or not a whole number of bytes"
            : $"expected a size such as 512Mi, 1Gi or 64k, found '{text}'";
        return fits;
    }

    public override string ToString() => Bytes switch
    {
        >= 1L << 30 when Bytes % (1L << 30) == 0 => $"{Bytes >> 30}Gi",
        >= 1L << 20 when Bytes % (1L << 20) == 0 => $"{Bytes >> 20}Mi",
        >= 1L << 10 when Bytes % (1L << 10) == 0 => $"{Bytes >> 10}Ki",
        _ => Bytes.ToString(CultureInfo.InvariantCulture),
    };
}

/// <summary>A share, kept as a fraction (0.7 for <c>70%</c>).</summary>
public readonly record struct Percentage(double Fraction)
{
    /// <summary>Reads <c>70%</c> or <c>99.9%</c>; <paramref name="error"/> says what is wrong.</summary>
    public static bool TryParse(string text, out Percentage share, [NotNullWhen(false)] out string? error)
    {
        share = default;
        error = null;
        if (text.EndsWith('%') && Number.TryParse(text.AsSpan(0, text.Length - 1), out var percent))
        {
            share = new Percentage((double)(percent / 100));
            return true;
        }

        error = Number.TryParse(text, out _)
            ? $"'{text}' has no unit; write {text}%"
            : $"expected a percentage such as 70% or 0.1%, found '{text}'";
        return false;
    }

    public override string ToString() => (Fraction * 100).ToString("0.###", CultureInfo.InvariantCulture) + "%";
}
