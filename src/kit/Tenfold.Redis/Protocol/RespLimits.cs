namespace Tenfold.Redis.Protocol;

/// <summary>What a reply may be at most.</summary>
/// <param name="MaxBytes">Size of one reply with everything in it, bytes.</param>
internal readonly record struct RespLimits(int MaxBytes)
{
    /// <summary>Levels of arrays in arrays.</summary>
    public const int MaxDepth = 64;

    /// <summary>A line: simple strings, errors, numbers and lengths; bytes.</summary>
    public const int MaxLine = 64 * 1024;
}
