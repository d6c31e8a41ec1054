using Tenfold.Load.Scenarios;
using Tenfold.Wire.Http1;

namespace Tenfold.Load.Http;

/// <summary>
/// Reads one response after another from whatever pieces arrive, without reading them from anywhere itself. A head that
/// arrives in one piece is parsed where it lies. Not thread-safe.
/// </summary>
/// <param name="head">Used for an instant only, so many readers may share it.</param>
internal sealed class ResponseReader(ResponseHead head)
{
    /// <summary>Largest response head in bytes.</summary>
    public const int MaxHead = 64 * 1024;

    /// <summary>Largest body that is kept for captures, in bytes.</summary>
    public const int MaxKept = 16 * 1024 * 1024;

    private byte[] _held = []; // a head that has not arrived whole
    private int _heldLength;
    private bool _inBody;
    private BodyFraming _framing;
    private long _left;
    private ChunkedDecoder? _chunked;
    private ByteBuffer? _kept;

    /// <summary>Whether the response has arrived whole.</summary>
    public bool Complete { get; private set; }

    /// <summary>What is wrong with it, or null.</summary>
    public string? Error { get; private set; }

    /// <summary>Whether any byte of it has arrived.</summary>
    public bool Answered { get; private set; }

    public int Status { get; private set; }

    /// <summary>Whether the connection may be used again.</summary>
    public bool KeepAlive { get; private set; }

    /// <summary>Whether the body was larger than <see cref="MaxKept"/>, so that it was not kept whole.</summary>
    public bool Overflowed { get; private set; }

    /// <summary>Begins a response.</summary>
    /// <param name="keep">Where its body goes; null when nobody needs it.</param>
    public void Begin(ByteBuffer? keep)
    {
        keep?.Clear();
        (_heldLength, _inBody, _kept) = (0, false, keep);
        (Complete, Error, Answered, Status, KeepAlive, Overflowed) = (false, null, false, 0, false, false);
    }

    /// <summary>Takes the next bytes.</summary>
    public void Feed(byte[] bytes, int length)
    {
        Answered = true;
        var start = 0;
        if (!_inBody)
        {
            if (_heldLength > 0)
            {
                var scanned = _heldLength;
                Hold(bytes.AsSpan(0, length));
                (bytes, length) = (_held, _heldLength);
                start = ReadHeads(bytes, length, scanned);
            }
            else
            {
                start = ReadHeads(bytes, length, 0);
                if (!_inBody && Error is null)
                {
                    Hold(bytes.AsSpan(start, length - start));
                }
            }

            if (!_inBody || Error is not null)
            {
                return;
            }
        }

        ReadBody(bytes.AsSpan(start, length - start));
    }

    /// <summary>The server closed the connection.</summary>
    public void End()
    {
        if (_inBody && _framing == BodyFraming.UntilClose)
        {
            Complete = true;
            return;
        }

        Error ??= Answered ? "the connection was closed before the answer was complete" : "the connection was closed without an answer";
    }

    // Returns where the next head or the body begins.
    private int ReadHeads(byte[] bytes, int length, int scanned)
    {
        var start = 0;
        while (true)
        {
            var end = HeadParser.FindEnd(bytes.AsSpan(start, length - start), scanned);
            if (end < 0)
            {
                if (length - start > MaxHead)
                {
                    Error = "the response head is larger than 64 KiB";
                }

                if (start > 0 && ReferenceEquals(bytes, _held))
                {
                    _held.AsSpan(start, length - start).CopyTo(_held);
                    _heldLength = length - start;
                }

                return start;
            }

            Error = head.Parse(bytes, start, end, toHead: false);
            if (Error is null && head.Status == 101)
            {
                Error = "the server switched protocols without being asked";
            }

            if (Error is not null)
            {
                return start;
            }

            (start, scanned) = (start + end, 0);
            if (!head.Interim)
            {
                BeginBody();
                return start;
            }
        }
    }

    private void BeginBody()
    {
        (Status, KeepAlive, _framing, _left, _inBody) = (head.Status, head.KeepAlive, head.Framing, head.ContentLength, true);
        if (_framing == BodyFraming.Chunked)
        {
            (_chunked ??= new ChunkedDecoder()).Reset();
        }
    }

    private void ReadBody(ReadOnlySpan<byte> bytes)
    {
        switch (_framing)
        {
            case BodyFraming.Length:
                var take = (int)Math.Min(_left, bytes.Length);
                Keep(bytes[..take]);
                _left -= take;
                bytes = bytes[take..];
                Complete = _left == 0;
                break;
            case BodyFraming.Chunked:
                while (!bytes.IsEmpty && !_chunked!.Done && _chunked.Error is null)
                {
                    var taken = _chunked.Decode(bytes, out var data);
                    Keep(bytes[data]);
                    bytes = bytes[taken..];
                }

                (Complete, Error) = (_chunked!.Done, _chunked.Error);
                break;
            case BodyFraming.UntilClose:
                Keep(bytes);
                bytes = default;
                break;
            default:
                Complete = true;
                break;
        }

        if (Complete && !bytes.IsEmpty)
        {
            KeepAlive = false; // nobody asked for more
        }
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        if (_kept is null || Overflowed)
        {
            return;
        }

        Overflowed = _kept.Length + bytes.Length > MaxKept;
        if (!Overflowed)
        {
            _kept.Add(bytes);
        }
    }

    private void Hold(ReadOnlySpan<byte> bytes)
    {
        if (_heldLength + bytes.Length > _held.Length)
        {
            Array.Resize(ref _held, Math.Max(1024, _heldLength + bytes.Length));
        }

        bytes.CopyTo(_held.AsSpan(_heldLength));
        _heldLength += bytes.Length;
    }
}
