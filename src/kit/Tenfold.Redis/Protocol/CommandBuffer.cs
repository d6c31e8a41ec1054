using System.Buffers;
using System.Text;

namespace Tenfold.Redis.Protocol;

/// <summary>Commands as bytes to send, in memory of the array pool. Not thread-safe.</summary>
internal sealed class CommandBuffer(int size)
{
    /// <summary>What Redis takes as one word, bytes. A longer one would cost everybody the connection.</summary>
    public const int MaxWord = 512 * 1024 * 1024;

    private const int Longest = 20; // digits and sign of a 64-bit integer

    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(size);

    public int Count { get; private set; }

    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, Count);

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, Count);

    /// <summary>A whole command, or nothing of it.</summary>
    /// <exception cref="ArgumentException">A word is too long.</exception>
    public void Write(ReadOnlySpan<RedisArgument> command)
    {
        var start = Count;
        try
        {
            WriteHeader(command.Length);
            foreach (ref readonly var argument in command)
            {
                Write(argument);
            }
        }
        catch
        {
            Count = start;
            throw;
        }
    }

    /// <summary>The head of a command of so many words, which follow.</summary>
    public void WriteHeader(int words)
    {
        Reserve(Longest + 3);
        WriteLine((byte)'*', words);
    }

    /// <summary>One word.</summary>
    public void Write(in RedisArgument argument)
    {
        if (argument.IsNumber)
        {
            Reserve((2 * Longest) + 7);
            Span<byte> digits = stackalloc byte[Longest];
            argument.Number.TryFormat(digits, out var length);
            WriteWord(digits[..length]);
        }
        else if (argument.Text is { } text)
        {
            var length = Encoding.UTF8.GetByteCount(text);
            Check(length);
            Reserve(length + Longest + 5);
            WriteLine((byte)'$', length);
            Count += Encoding.UTF8.GetBytes(text, _bytes.AsSpan(Count));
            WriteEnd();
        }
        else
        {
            Write(argument.Bytes.Span);
        }
    }

    /// <summary>One word.</summary>
    public void Write(ReadOnlySpan<byte> word)
    {
        Check(word.Length);
        Reserve(word.Length + Longest + 5);
        WriteWord(word);
    }

    /// <summary>Bytes as they are.</summary>
    public void WriteRaw(ReadOnlySpan<byte> bytes)
    {
        Reserve(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(Count));
        Count += bytes.Length;
    }

    /// <summary>Empties it, and gives back memory that only a rare command needs.</summary>
    public void Clear(int keep)
    {
        Count = 0;
        if (_bytes.Length > keep)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = ArrayPool<byte>.Shared.Rent(size);
        }
    }

    /// <summary>Gives the memory back; the buffer is at its end.</summary>
    public void Release()
    {
        var bytes = _bytes;
        (_bytes, Count) = ([], 0);
        if (bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private static void Check(int length)
    {
        if (length > MaxWord)
        {
            throw new ArgumentException($"A key or value of {length} bytes is more than the {MaxWord} bytes (512 MiB) that Redis takes.");
        }
    }

    private void WriteWord(ReadOnlySpan<byte> word)
    {
        WriteLine((byte)'$', word.Length);
        word.CopyTo(_bytes.AsSpan(Count));
        Count += word.Length;
        WriteEnd();
    }

    private void WriteLine(byte type, int number)
    {
        var bytes = _bytes;
        var count = Count;
        bytes[count++] = type;
        if (number < 10)
        {
            bytes[count++] = (byte)('0' + number);
        }
        else
        {
            number.TryFormat(bytes.AsSpan(count), out var length);
            count += length;
        }

        bytes[count++] = (byte)'\r';
        bytes[count++] = (byte)'\n';
        Count = count;
    }

    private void WriteEnd()
    {
        _bytes[Count++] = (byte)'\r';
        _bytes[Count++] = (byte)'\n';
    }

    private void Reserve(int more)
    {
        if (_bytes.Length - Count >= more)
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(checked(Count + more), (int)Math.Min(_bytes.Length * 2L, Array.MaxLength)));
        Span.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}
