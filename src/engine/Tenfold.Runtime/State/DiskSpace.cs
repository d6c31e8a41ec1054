namespace Tenfold.Runtime.State;

/// <summary>What is left of the disk that a path lies on.</summary>
public static class DiskSpace
{
    private const long Mebibyte = 1 << 20;

    /// <summary>Free bytes for this user, or null where that cannot be told.</summary>
    public static long? Free(string path)
    {
        try
        {
            for (var at = Path.GetFullPath(path); at is not null; at = Path.GetDirectoryName(at))
            {
                if (Directory.Exists(at))
                {
                    return new DriveInfo(at).AvailableFreeSpace;
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        return null;
    }

    /// <summary>Whether a program says that its disk is full.</summary>
    public static bool IsBlamed(IEnumerable<string> lines) => lines.Any(line => line.Contains("No space left on device", StringComparison.Ordinal));

    /// <summary>The message to show when the disk of <paramref name="path"/> has less than <paramref name="needed"/> bytes left; null when it has more.</summary>
    public static string? Full(string path, long needed = Mebibyte) => Free(path) is { } free && free < needed
        ? $"the disk of {path} is full: {free / Mebibyte} MiB are free, {(needed + Mebibyte - 1) / Mebibyte} MiB are needed; free some space or set TENFOLD_STATE to a folder on another disk"
        : null;
}
