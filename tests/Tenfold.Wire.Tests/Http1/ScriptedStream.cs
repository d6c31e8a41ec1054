namespace Tenfold.Wire.Tests.Http1;

/// <summary>A peer that sends these pieces, one a read, then ends.</summary>
internal sealed class ScriptedStream(IEnumerable<byte[]> pieces) : Stream
{
    private readonly Queue<byte[]> _pieces = new(pieces.Where(piece => piece.Length > 0));

    public MemoryStream Written { get; } = new();

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_pieces.Count == 0)
        {
            return new(0);
        }

        var piece = _pieces.Dequeue();
        var n = Math.Min(piece.Length, buffer.Length);
        piece.AsSpan(0, n).CopyTo(buffer.Span);
        if (n < piece.Length)
        {
            var rest = new[] { piece[n..] }.Concat(_pieces).ToArray();
            _pieces.Clear();
            Array.ForEach(rest, _pieces.Enqueue);
        }

        return new(n);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => Written.WriteAsync(buffer, cancellationToken);

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
