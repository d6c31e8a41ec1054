using System.Runtime.InteropServices;

namespace Rez.Imports.Files;

/// <summary>A record of a file.</summary>
/// <param name="Line">Number of the line that it begins on, from 1.</param>
/// <param name="Length">Its bytes, without the line break; 0 for an empty line.</param>
/// <param name="Consumed">Bytes of it with its line break.</param>
/// <param name="IsTooLong">It has more than <see cref="RecordSplitter.Longest"/> bytes, which are not kept: its length is 0.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct FileRecord(int Line, int Length, int Consumed, bool IsTooLong);

/// <summary>
/// Finds the ends of records in bytes that come in pieces of any size. With quotes, as in CSV (RFC 4180), a line break within a field
/// that begins with a quote belongs to the field. All that counts is ASCII, so a piece may end within a UTF-8 sequence. Not thread-safe.
/// </summary>
internal sealed class RecordSplitter(bool quotes)
{
    /// <summary>Most bytes of a record.</summary>
    public const int Longest = 64 << 10;

    private At _at;
    private int _scanned;    // of the record that has not ended
    private int _breaks;     // line breaks in it
    private bool _skips;     // it is too long: its bytes were given back
    private int _line = 1;

    private enum At
    {
        FieldStart,
        Plain,
        Quoted,
        AfterQuote, // within a quoted field: the end of it, or the first of two quotes
    }

    /// <summary>The next record.</summary>
    /// <param name="bytes">What has not been consumed, from the beginning of the record on.</param>
    /// <param name="isLast">Nothing comes after these bytes.</param>
    /// <param name="record">The record. When there is none, only its <see cref="FileRecord.Consumed"/> means something: bytes that need not be kept.</param>
    /// <returns>False: more bytes are needed, or there are none.</returns>
    /// <exception cref="ImportFileException">A quoted field does not end: where the next record begins cannot be known.</exception>
    public bool TryNext(ReadOnlySpan<byte> bytes, bool isLast, out FileRecord record)
    {
        var end = Scan(bytes);
        if (end < 0 && isLast && _at == At.Quoted)
        {
            throw new ImportFileException(400, $"line {_line}: a quoted field that begins here does not end; nothing of the file was imported");
        }

        if (end < 0 && !isLast)
        {
            record = new FileRecord(_line, 0, TakeTooLong(bytes.Length), false);
            return false;
        }

        var length = end < 0 ? bytes.Length : end;
        var consumed = end < 0 ? bytes.Length : end + 1;
        if (length == 0 && consumed == 0 && !_skips)
        {
            record = default;
            return false;
        }

        var isTooLong = _skips || length > Longest;
        var trimmed = length > 0 && bytes[length - 1] == '\r' ? length - 1 : length;
        record = new FileRecord(_line, isTooLong ? 0 : trimmed, consumed, isTooLong);
        _line += _breaks + 1;
        (_scanned, _breaks, _skips, _at) = (0, 0, false, At.FieldStart);
        return true;
    }

    /// <summary>Index of the line break that ends the record; -1 when it is not there yet.</summary>
    private int Scan(ReadOnlySpan<byte> bytes)
    {
        if (!quotes)
        {
            var found = bytes[_scanned..].IndexOf((byte)'\n');
            var end = found < 0 ? -1 : _scanned + found;
            _scanned = bytes.Length;
            return end;
        }

        for (var i = _scanned; i < bytes.Length; i++)
        {
            var c = bytes[i];
            switch (_at)
            {
                case At.Quoted:
                    var rest = bytes[i..].IndexOfAny((byte)'"', (byte)'\n');
                    if (rest < 0)
                    {
                        i = bytes.Length;
                        break;
                    }

                    i += rest;
                    (_at, _breaks) = bytes[i] == '"' ? (At.AfterQuote, _breaks) : (At.Quoted, _breaks + 1);
                    break;
                case At.AfterQuote when c == '"':
                    _at = At.Quoted;
                    break;
                case At.FieldStart when c == '"':
                    _at = At.Quoted;
                    break;
                default:
                    if (c == '\n')
                    {
                        return i;
                    }

                    _at = c == ',' ? At.FieldStart : At.Plain;
                    break;
            }
        }

        _scanned = bytes.Length;
        return -1;
    }

    /// <returns>Bytes of the record that has not ended which need not be kept, as it is too long by now.</returns>
    private int TakeTooLong(int length)
    {
        if (length <= Longest)
        {
            return 0;
        }

        if (_at == At.Quoted)
        {
            throw new ImportFileException(400, $"line {_line}: a quoted field that begins here does not end within {Longest >> 10} KiB; nothing of the file was imported");
        }

        _skips = true;
        _scanned = 0;
        return length;
    }
}
