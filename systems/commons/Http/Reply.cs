using System.Buffers;
using System.Buffers.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Npgsql;

namespace Commons.Http;

/// <summary>
/// A response body in a rented buffer: rows go from PostgreSQL's messages into it as the bytes that are sent, and nothing is
/// sent before all of it is there, so a failure half-way is still a clean error. Dispose returns the buffer.
/// </summary>
public sealed class Reply : IDisposable
{
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(16 << 10);
    private int _length;

    public int Length => _length;

    /// <summary>Takes back what was added after <paramref name="length"/>.</summary>
    public void Rewind(int length) => _length = length;

    public Reply Add(ReadOnlySpan<byte> utf8)
    {
        utf8.CopyTo(Room(utf8.Length));
        _length += utf8.Length;
        return this;
    }

    public Reply Add(long number)
    {
        Utf8Formatter.TryFormat(number, Room(20), out var written);
        _length += written;
        return this;
    }

    public Reply Add(bool value) => Add(value ? "true"u8 : "false"u8);

    /// <summary>Text as a JSON string.</summary>
    public Reply AddString(string text)
    {
        var json = JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping);
        return Add("\""u8).Add(json.EncodedUtf8Bytes).Add("\""u8);
    }

    /// <summary>A value as JSON.</summary>
    public Reply Add<T>(T value, JsonTypeInfo<T> type) => Add(JsonSerializer.SerializeToUtf8Bytes(value, type));

    /// <summary>A text column as it stands.</summary>
    public Reply Add(NpgsqlDataReader row, int column)
    {
        var size = (int)row.GetBytes(column, 0, null, 0, 0);
        Room(size);
        row.GetBytes(column, 0, _bytes, _length, size);
        _length += size;
        return this;
    }

    public async Task SendAsync(HttpContext context, int status = StatusCodes.Status200OK)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.ContentLength = _length;
        await context.Response.BodyWriter.WriteAsync(_bytes.AsMemory(0, _length), context.RequestAborted);
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
    }

    private Span<byte> Room(int size)
    {
        if (_bytes.Length - _length < size)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_bytes.Length * 2, _length + size));
            _bytes.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = larger;
        }

        return _bytes.AsSpan(_length);
    }
}
