using System.Buffers.Text;
using System.Runtime.InteropServices;

namespace Tenfold.Redis.Protocol;

/// <summary>
/// Finds where a reply ends, over as many pieces as it takes, looking at each header once: RESP is counted in advance, so a
/// position and the number of values still to come are all there is to remember.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal struct RespScanner
{
    private int _position; // from the reply's first byte
    private long _left; // values still to come, less one

    /// <summary>Whether nothing of a reply was looked at yet.</summary>
    public readonly bool IsAtStart => _position == 0;

    /// <summary>Bytes from the start of the reply that are certainly needed before it pays to look again.</summary>
    public int Needed { get; private set; }

    /// <summary>Whether the reply that starts at the first byte is complete; then its length, and the scanner is as new.</summary>
    /// <exception cref="RespException">It is no RESP3 or over a limit.</exception>
    public bool TryFind(ReadOnlySpan<byte> bytes, RespLimits limits, out int length)
    {
        length = 0;
        while (_left >= 0)
        {
            var rest = bytes[_position..];
            if (!TryReadLine(rest, out var line))
            {
                return Wait(_position + line + 1, limits);
            }

            var header = rest[1..line];
            var end = _position + line + 2;
            switch (rest[0])
            {
                case (byte)'+' or (byte)'-' or (byte)':' or (byte)'_' or (byte)'#' or (byte)',' or (byte)'(':
                    _left--;
                    break;
                case (byte)'$' or (byte)'!' or (byte)'=':
                    var size = ReadLength(header);
                    if (size >= 0)
                    {
                        if (size + 2L + end > limits.MaxBytes)
                        {
                            throw TooLarge(limits);
                        }

                        if (bytes.Length < end + size + 2)
                        {
                            return Wait((int)(end + size + 2), limits);
                        }

                        end += (int)size + 2;
                        if (bytes[end - 2] != '\r' || bytes[end - 1] != '\n')
                        {
                            throw new RespException($"A string of {size} bytes does not end after them.");
                        }
                    }

                    _left--;
                    break;
                case (byte)'*' or (byte)'~' or (byte)'>':
                    _left += Math.Max(ReadLength(header), 0) - 1;
                    break;
                case (byte)'%':
                    _left += (Math.Max(ReadLength(header), 0) * 2) - 1;
                    break;
                case (byte)'|':
                    _left += Math.Max(ReadLength(header), 0) * 2;
                    break;
                default:
                    throw new RespException($"A reply cannot begin with byte 0x{rest[0]:X2}.");
            }

            _position = end;
            // Three bytes are the shortest value there is.
            if (_position + ((_left + 1) * 3) > limits.MaxBytes)
            {
                throw TooLarge(limits);
            }
        }

        length = _position;
        this = default;
        return true;
    }

    /// <summary>
    /// The length of a line that starts with its type, without its line end; when there is no end yet, the bytes there are.
    /// </summary>
    public static bool TryReadLine(ReadOnlySpan<byte> bytes, out int length)
    {
        var end = bytes.IndexOf((byte)'\n');
        if (end < 0)
        {
            length = bytes.Length;
            if (length > RespLimits.MaxLine)
            {
                throw new RespException($"A line is longer than {RespLimits.MaxLine} bytes.");
            }

            return false;
        }

        if (end < 2 || bytes[end - 1] != '\r' || bytes[..(end - 1)].Contains((byte)'\r'))
        {
            throw new RespException("A line does not end in CR LF.");
        }

        length = end - 1;
        return true;
    }

    /// <summary>A length: digits, or -1 for null.</summary>
    public static long ReadLength(ReadOnlySpan<byte> digits)
    {
        if (digits.SequenceEqual("-1"u8))
        {
            return -1;
        }

        if (digits.Length is 0 or > 10 || digits.ContainsAnyExceptInRange((byte)'0', (byte)'9') || !Utf8Parser.TryParse(digits, out long length, out _))
        {
            throw new RespException($"'{Printable(digits)}' is no length.");
        }

        return length;
    }

    public static string Printable(ReadOnlySpan<byte> bytes)
    {
        var text = new char[Math.Min(bytes.Length, 40)];
        for (var i = 0; i < text.Length; i++)
        {
            text[i] = bytes[i] is >= 32 and < 127 ? (char)bytes[i] : '?';
        }

        return new string(text);
    }

    private static RespException TooLarge(RespLimits limits) => new($"A reply is larger than {limits.MaxBytes} bytes (RedisOptions.MaxReplyBytes).");

    private bool Wait(int needed, RespLimits limits)
    {
        if (needed > limits.MaxBytes)
        {
            throw TooLarge(limits);
        }

        Needed = needed;
        return false;
    }
}
