using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Tenfold.Guide.Reading;

/// <summary>The file's bytes as text, with a limit on their number and nothing in them that a text has not.</summary>
internal static class SourceText
{
    public const int MaxBytes = 1 << 20;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static bool TryLoad(string file, [NotNullWhen(true)] out string? text, [NotNullWhen(false)] out GuideError? error)
    {
        text = null;
        try
        {
            if (Directory.Exists(file))
            {
                error = Whole(file, "this is a folder; name the guide's file, such as tenfold.yaml in it");
                return false;
            }

            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[MaxBytes + 1];
            var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (length > MaxBytes)
            {
                error = TooBig(file);
                return false;
            }

            return TryDecode(file, bytes.AsSpan(0, length), out text, out error);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            error = Whole(file, "there is no such file");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            error = Whole(file, $"cannot be read: {e.Message}");
        }

        return false;
    }

    public static GuideError TooBig(string file) =>
        Whole(file, "the file is larger than 1Mi; a guide is at most 1,048,576 bytes");

    public static bool TryDecode(string file, ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out string? text, [NotNullWhen(false)] out GuideError? error)
    {
        text = null;
        if (bytes.StartsWith((byte[])[0xFF, 0xFE]) || bytes.StartsWith((byte[])[0xFE, 0xFF]))
        {
            error = Whole(file, "the file is UTF-16; save it as UTF-8");
            return false;
        }

        bytes = bytes.StartsWith((byte[])[0xEF, 0xBB, 0xBF]) ? bytes[3..] : bytes;
        var bad = System.Text.Unicode.Utf8.IsValid(bytes) ? -1 : FirstInvalid(bytes);
        if (bad >= 0)
        {
            var before = bytes[..bad];
            var line = before.Count((byte)'\n') + 1;
            var column = Utf8.GetCharCount(before[(before.LastIndexOf((byte)'\n') + 1)..]) + 1;
            error = new GuideError(file, line, column, "", $"not UTF-8: byte 0x{bytes[bad]:X2}; save the file as UTF-8");
            return false;
        }

        text = Utf8.GetString(bytes);
        error = FindControlIn(file, text);
        return error is null;
    }

    /// <summary>Characters that YAML does not allow, wherever they stand.</summary>
    public static GuideError? FindControlIn(string file, string text)
    {
        var (line, column) = (1, 1);
        foreach (var c in text)
        {
            if (IsControl(c))
            {
                return new GuideError(file, line, column, "", $"control character {Name(c)}; remove it");
            }

            (line, column) = c == '\n' ? (line + 1, 1) : (line, column + 1);
        }

        return null;
    }

    /// <summary>The first control character by name (tabs and line ends are fine), or null.</summary>
    public static string? FindControl(string text)
    {
        foreach (var c in text)
        {
            if (IsControl(c))
            {
                return Name(c);
            }
        }

        return null;
    }

    private static bool IsControl(char c) =>
        (char.IsControl(c) && c is not ('\t' or '\n' or '\r' or '\u0085')) || c is '\uFFFE' or '\uFFFF';

    private static string Name(char c) => $"U+{(int)c:X4}";

    private static int FirstInvalid(ReadOnlySpan<byte> bytes)
    {
        var at = 0;
        while (Rune.DecodeFromUtf8(bytes[at..], out _, out var length) == System.Buffers.OperationStatus.Done)
        {
            at += length;
        }

        return at;
    }

    private static GuideError Whole(string file, string message) => new(file, 0, 0, "", message);
}
