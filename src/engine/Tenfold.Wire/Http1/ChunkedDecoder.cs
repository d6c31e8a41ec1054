namespace Tenfold.Wire.Http1;

/// <summary>
/// Takes the chunked coding (RFC 9112 section 7.1) off a stream of bytes, whatever pieces it comes in. Strict: CRLF only,
/// sizes of at most 15 hexadecimal digits, bounded extensions and trailers. Reusable; not thread-safe.
/// </summary>
public sealed class ChunkedDecoder
{
    private const int MaxExtension = 4096;
    private const int MaxTrailers = 16 * 1024;

    private State _state;
    private long _left; // bytes of the current chunk
    private int _line; // characters of the current line so far
    private byte[] _trailerBytes = [];
    private int _trailerLength;

    private enum State : byte
    {
        Size,
        Padding,
        Extension,
        SizeLf,
        Data,
        DataCr,
        DataLf,
        Trailer,
        Done,
    }

    /// <summary>Whether the last chunk and the trailer section have been read.</summary>
    public bool Done => _state == State.Done;

    /// <summary>The trailer lines once <see cref="Done"/>; places in <see cref="TrailerBytes"/>.</summary>
    public HeaderTable Trailers { get; } = new();

    /// <summary>What <see cref="Trailers"/> point into.</summary>
    public ReadOnlySpan<byte> TrailerBytes => _trailerBytes.AsSpan(0, _trailerLength);

    /// <summary>What is wrong with the bytes; null while nothing is.</summary>
    public string? Error { get; private set; }

    /// <summary>Begins a new body.</summary>
    public void Reset()
    {
        (_state, _left, _line, _trailerLength, Error) = (State.Size, 0, 0, 0, null);
        Trailers.Clear();
    }

    /// <summary>Gives back the room of unusually long trailers. Only between two bodies.</summary>
    public void Trim()
    {
        Reset();
        Trailers.Trim();
        if (_trailerBytes.Length > 1024)
        {
            _trailerBytes = [];
        }
    }

    /// <summary>Takes bytes until a piece of the body has been found, the input is used up, the body ends or is wrong.</summary>
    /// <param name="input">What has arrived.</param>
    /// <param name="data">The piece of the body, within <paramref name="input"/>; may be empty.</param>
    /// <returns>How many bytes were taken (including <paramref name="data"/>).</returns>
    public int Decode(ReadOnlySpan<byte> input, out Range data)
    {
        data = default;
        var at = 0;
        while (at < input.Length && Error is null && _state != State.Done)
        {
            if (_state == State.Data)
            {
                var length = (int)Math.Min(_left, input.Length - at);
                data = at..(at + length);
                _left -= length;
                _state = _left == 0 ? State.DataCr : State.Data;
                return at + length;
            }

            Step(input[at++]);
        }

        return at;
    }

    private void Step(byte c)
    {
        switch (_state)
        {
            case State.Size when char.IsAsciiHexDigit((char)c):
                if (++_line > 15)
                {
                    Error = "a chunk size of more than 15 digits";
                    return;
                }

                _left = (_left << 4) | (uint)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
                return;
            case State.Size when _line > 0 && c == '\r':
            case State.Padding or State.Extension when c == '\r':
                _state = State.SizeLf;
                return;
            case State.Size or State.Padding when _line > 0 && c == ';':
                (_state, _line) = (State.Extension, 0);
                return;
            case State.Size or State.Padding when _line is > 0 and < 32 && c is (byte)' ' or (byte)'\t':
                _state = State.Padding;
                _line++;
                return;
            case State.Extension when c >= 0x20 && c != 0x7f || c == '\t':
                if (++_line > MaxExtension)
                {
                    Error = "a chunk extension of more than 4096 bytes";
                }

                return;
            case State.SizeLf when c == '\n':
                (_state, _line) = (_left == 0 ? State.Trailer : State.Data, 0);
                return;
            case State.DataCr when c == '\r':
                _state = State.DataLf;
                return;
            case State.DataLf when c == '\n':
                (_state, _line) = (State.Size, 0);
                return;
            case State.Trailer:
                AddTrailer(c);
                return;
            default:
                Error = "bad chunked coding";
                return;
        }
    }

    private void AddTrailer(byte c)
    {
        if (_trailerLength == _trailerBytes.Length)
        {
            if (_trailerLength >= MaxTrailers)
            {
                Error = "trailers of more than 16 KiB";
                return;
            }

            Array.Resize(ref _trailerBytes, Math.Max(64, _trailerLength * 2));
        }

        _trailerBytes[_trailerLength++] = c;
        if (c != '\n')
        {
            _line++;
            return;
        }

        if (_trailerLength < 2 || _trailerBytes[_trailerLength - 2] != '\r')
        {
            Error = "a trailer line that does not end with CRLF";
            return;
        }

        if (_line > 1)
        {
            _line = 0;
            return;
        }

        _state = State.Done;
        Error = HeadParser.ParseFields(TrailerBytes, 0, Trailers);
    }
}
