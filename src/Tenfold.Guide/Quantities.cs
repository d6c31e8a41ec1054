using System.Globalization;

namespace Tenfold.Guide;

/// <summary>Processor share in thousandths of a core; written <c>500m</c> or <c>1.5</c>.</summary>
public readonly record struct Cpu(int Millicores)
{
    /// <summary>In cores.</summary>
    public double Cores => Millicores / 1000.0;

    public override string ToString() => $"{Millicores}m";
}

/// <summary>A number of bytes; written <c>512Mi</c>, <c>1Gi</c>, <c>64k</c> or plain.</summary>
public readonly record struct ByteSize(long Bytes)
{
    public static ByteSize FromKibibytes(long n) => new(n << 10);

    public static ByteSize FromMebibytes(long n) => new(n << 20);

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
    public override string ToString() => (Fraction * 100).ToString("0.###", CultureInfo.InvariantCulture) + "%";
}
