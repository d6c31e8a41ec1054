using System.Buffers;

namespace Commons.Files;

/// <summary>Keys are made by the app, never by a client; this holds mistakes of the app off.</summary>
internal static class BlobKey
{
    private static readonly SearchValues<char> Allowed = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789.-_/");

    /// <param name="key">A key or a folder.</param>
    /// <param name="parts">So many parts or more.</param>
    /// <exception cref="ArgumentException">It is no key.</exception>
    public static void Check(string key, int parts)
    {
        var split = key.Split('/');
        if (key.AsSpan().ContainsAnyExcept(Allowed) || split.Length < parts || split.Any(part => part is "" or "." or ".."))
        {
            throw new ArgumentException($"'{key}' is no key of a file: {parts} or more parts of lower-case letters, digits, '.', '-' and '_' with '/' between them", nameof(key));
        }
    }
}
