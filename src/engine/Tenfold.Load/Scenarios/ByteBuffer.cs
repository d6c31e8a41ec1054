using System.Buffers.Text;

namespace Tenfold.Load.Scenarios;

/// <summary>A growing buffer that is used again. Not thread-safe.</summary>
internal sealed class ByteBuffer
{
    private byte[] _bytes = [];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, Length);

    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, Length);

    public void Clear() => Length = 0;

    public void Add(byte value)
    {
        Room(1)[0] = value;
        Length++;
    }

    public void Add(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length));
        Length += bytes.Length;
    }

    public void Add(long number)
    {
        Utf8Formatter.TryFormat(number, Room(20), out var written);
        Length += written;
    }

    public void Add(Guid guid)
    {
        Utf8Formatter.TryFormat(guid, Room(36), out var written);
        Length += written;
    }

    private Span<byte> Room(int more)
    {
        if (Length + more > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(256, Math.Max(_bytes.Length * 2, Length + more)));
        }

        return _bytes.AsSpan(Length);
    }
}
