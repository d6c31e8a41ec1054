using Microsoft.AspNetCore.Http;
using Tenfold.AspNetCore.Errors;

namespace Commons.Http;

/// <summary>A small body as bytes, for requests whose exact body matters; it can be read again by <see cref="JsonBody"/>.</summary>
public static class BoundedBody
{
    /// <summary>Most bytes of a body that is held in memory.</summary>
    public const int Most = 64 << 10;

    /// <summary>The body, or null when a 413 has been written.</summary>
    public static async ValueTask<byte[]?> ReadAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var buffer = new MemoryStream((int)Math.Clamp(context.Request.ContentLength ?? 0, 256, Most));
        var chunk = new byte[Math.Min(buffer.Capacity, 4 << 10)];
        for (int read; (read = await context.Request.Body.ReadAsync(chunk, context.RequestAborted)) > 0;)
        {
            if (buffer.Length + read > Most)
            {
                await Problem.WriteAsync(context, StatusCodes.Status413PayloadTooLarge, $"The body has more than {Most / 1024} KiB, which is the most that is taken here.");
                return null;
            }

            buffer.Write(chunk, 0, read);
        }

        var body = buffer.ToArray();
        context.Request.Body = new MemoryStream(body);
        return body;
    }
}
