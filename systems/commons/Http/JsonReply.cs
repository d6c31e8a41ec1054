using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Commons.OpenApi;
using Microsoft.AspNetCore.Http;

namespace Commons.Http;

/// <summary>Answers that are objects.</summary>
public static class JsonReply
{
    /// <summary>Sends a value as it stands.</summary>
    public static async Task SendAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK)
    {
        ArgumentNullException.ThrowIfNull(context);
        var bytes = JsonSerializer.SerializeToUtf8Bytes(value, type);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.ContentLength = bytes.Length;
        await context.Response.BodyWriter.WriteAsync(bytes, context.RequestAborted);
    }

    /// <summary>Sends <c>{"success":true,"data":…}</c>.</summary>
    public static Task SendItemAsync<T>(HttpContext context, T value, JsonTypeInfo<Item<T>> type, int status = StatusCodes.Status200OK) =>
        SendAsync(context, new Item<T>(true, value), type, status);

    /// <summary>A ShardId in the path, or null when a 400 has been written.</summary>
    public static async ValueTask<Tenfold.Postgres.Shards.ShardId?> ReadShardIdAsync(HttpContext context, string kind) =>
        await ItemReply.ReadIdAsync(context, kind) is { } id ? new Tenfold.Postgres.Shards.ShardId(id) : null;
}
