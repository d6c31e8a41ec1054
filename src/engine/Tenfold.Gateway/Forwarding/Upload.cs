using System.Buffers;
using System.Globalization;
using System.Text;
using Tenfold.Wire.Http1;

namespace Tenfold.Gateway.Forwarding;

/// <summary>Passes a request body on while it comes, beside the waiting for the answer.</summary>
internal sealed class Upload
{
    private const int Piece = 16 * 1024;
    private const int Before = 8; // room for a chunk's size line
    private readonly ClientExchange _exchange;
    private readonly Http1Connection _connection;
    private readonly Attempt _attempt;
    private readonly Lock _lock = new();
    private Task _task = Task.CompletedTask;
    private bool _stopped;
    private bool _answered;

    private Upload(ClientExchange exchange, Http1Connection connection, Attempt attempt) => (_exchange, _connection, _attempt) = (exchange, connection, attempt);

    /// <summary>What the client did wrong, if it did.</summary>
    public ClientException? Error { get; private set; }

    /// <summary>Completes, without an error, when it has ended for whatever reason.</summary>
    public Task Ended => _task;

    /// <summary>Whether all of the body has been sent.</summary>
    public bool Complete { get; private set; }

    public static Upload Start(ClientExchange exchange, Http1Connection connection, Attempt attempt)
    {
        var upload = new Upload(exchange, connection, attempt);
        upload._task = upload.RunAsync();
        return upload;
    }

    /// <summary>The head of the answer has come: the first byte is not waited for any more.</summary>
    public void Answered()
    {
        lock (_lock)
        {
            _answered = true;
        }
    }

    /// <summary>Ends it if it has not ended by itself: the answer is complete, nobody reads on.</summary>
    public async Task StopAsync()
    {
        if (!_task.IsCompleted)
        {
            Volatile.Write(ref _stopped, true);
            _connection.Abort();
            _exchange.StopBody();
        }

        await _task;
    }

    private async Task RunAsync()
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Before + Piece + 2);
        var chunked = _exchange.Request.Chunked;
        try
        {
            while (await _exchange.ReadBodyAsync(buffer.AsMemory(Before, Piece)) is var n && n > 0)
            {
                await _connection.WriteAsync(chunked ? Frame(buffer, n) : buffer.AsMemory(Before, n));
            }

            if (chunked)
            {
                await _connection.WriteAsync(End());
            }

            Complete = true;
            lock (_lock)
            {
                // An instance that reads the body first can answer only now.
                _ = !_answered && _attempt.TryExpectFirstByte();
            }
        }
        catch (ClientException e)
        {
            Error = Volatile.Read(ref _stopped) ? null : e;
            _connection.Abort(); // wakes whoever waits for the answer
        }
        catch (Http1Exception)
        {
            // The instance has closed its ear; it may still have answered, which the reader finds out.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static Memory<byte> Frame(byte[] buffer, int length)
    {
        var size = Encoding.ASCII.GetBytes(length.ToString("x", CultureInfo.InvariantCulture) + "\r\n");
        size.CopyTo(buffer, Before - size.Length);
        "\r\n"u8.CopyTo(buffer.AsSpan(Before + length));
        return buffer.AsMemory(Before - size.Length, size.Length + length + 2);
    }

    private byte[] End()
    {
        var end = new ArrayBufferWriter<byte>(64);
        end.Write("0\r\n"u8);
        if (_exchange.Trailers is { } trailers)
        {
            TrailerLines.Write(trailers, _exchange.TrailerBytes, end);
        }

        end.Write("\r\n"u8);
        return end.WrittenSpan.ToArray();
    }
}

/// <summary>Trailer lines that may pass: not those that frame, route or authenticate a message (RFC 9110 section 6.5.1).</summary>
internal static class TrailerLines
{
    public static bool Passes(in HeaderField field, ReadOnlySpan<byte> bytes) =>
        field.Known is KnownHeader.None or KnownHeader.Date
        && !HeaderNames.Is(field.Name(bytes), "authorization"u8) && !HeaderNames.Is(field.Name(bytes), "set-cookie"u8);

    public static void Write(HeaderTable trailers, ReadOnlySpan<byte> bytes, IBufferWriter<byte> into)
    {
        foreach (ref readonly var field in trailers.Fields)
        {
            if (Passes(field, bytes))
            {
                into.Write(field.Name(bytes));
                into.Write(": "u8);
                into.Write(field.Value(bytes));
                into.Write("\r\n"u8);
            }
        }
    }
}
