using System.Buffers;

namespace Tenfold.Redis.Connections;

/// <summary>What came and was not read yet. It grows only as bytes come, whatever length they announce. Not thread-safe.</summary>
internal sealed class ReceiveBuffer
{
    private const int Usual = 64 * 1024;

    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(Usual);
    private int _start;
    private int _end;

    public ReadOnlySpan<byte> Unread => _bytes.AsSpan(_start, _end - _start);

    public bool IsEmpty => _start == _end;

    /// <summary>Room for more; <paramref name="needed"/> is the size that the bytes from the first unread one will grow to at least.</summary>
    public Memory<byte> Room(int needed)
    {
        var unread = _end - _start;
        if (unread == 0)
        {
            (_start, _end) = (0, 0);
            if (_bytes.Length > Usual * 2)
            {
                Replace(Usual);
            }
        }
        else if (_bytes.Length - _start < needed || _end == _bytes.Length)
        {
            // Not more than twice of what has come: an announced length costs nothing until its bytes are there.
            var size = (int)Math.Min(Math.Max((long)needed, unread + 1), Math.Max((long)unread * 2, Usual));
            if (size > _bytes.Length || (unread * 2L > _bytes.Length && needed > _bytes.Length))
            {
                Replace(size);
            }
            else if (_start > 0)
            {
                Unread.CopyTo(_bytes);
                (_start, _end) = (0, unread);
            }

            if (_end == _bytes.Length)
            {
                Replace((int)Math.Min(_bytes.Length * 2L, Array.MaxLength));
            }
        }

        return _bytes.AsMemory(_end);
    }

    public void Received(int count) => _end += count;

    public void Taken(int count) => _start += count;

    public void Release()
    {
        var bytes = _bytes;
        (_bytes, _start, _end) = ([], 0, 0);
        ArrayPool<byte>.Shared.Return(bytes);
    }

    private void Replace(int size)
    {
        var larger = ArrayPool<byte>.Shared.Rent(size);
        var unread = Unread;
        unread.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_bytes);
        (_bytes, _start, _end) = (larger, 0, unread.Length);
    }
}
