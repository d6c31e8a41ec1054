using Microsoft.AspNetCore.Http;
using Npgsql;
using Tenfold.AspNetCore.Errors;
using Tenfold.AspNetCore;
using Tenfold.Postgres;

namespace Commons.Http;

/// <summary>Answers with one row's JSON, <c>{"success":true,"data":{…}}</c>, or 404.</summary>
public static class ItemReply
{
    /// <remarks>The SQL selects json (and, when <paramref name="versioned"/>, the version for the ETag) by <c>$1</c>, the id; the kind, "product", is for the 404.</remarks>
    public static async Task AnswerAsync(HttpContext context, PostgresStore database, string sql, string kind, bool versioned = false)
    {
        if (await ReadIdAsync(context, kind) is not { } id)
        {
            return;
        }

        if (!await new QueryParameters(context).AnswerErrorsAsync(context))
        {
            return;
        }

        using var reply = new Reply();
        var version = await database.ReadAsync(context.Caller(), (reply, sql, id, versioned), ReadAsync, context.RequestAborted);
        if (version is null)
        {
            await NotFoundAsync(context, kind);
            return;
        }

        if (versioned)
        {
            context.Response.Headers.ETag = $"\"{version}\"";
        }

        await reply.SendAsync(context);
    }

    /// <returns>Its version, 0 for what has none; null when there is no such row.</returns>
    private static async ValueTask<int?> ReadAsync(NpgsqlConnection connection, (Reply Reply, string Sql, long Id, bool Versioned) wanted, CancellationToken cancel)
    {
        wanted.Reply.Rewind(0);
        await using var command = new NpgsqlCommand(wanted.Sql, connection) { Parameters = { new NpgsqlParameter<long> { TypedValue = wanted.Id } } };
        await using var rows = await command.ExecuteReaderAsync(cancel);
        if (!await rows.ReadAsync(cancel))
        {
            return null;
        }

        wanted.Reply.Add("{\"success\":true,\"data\":"u8).Add(rows, 0).Add("}"u8);
        return wanted.Versioned ? rows.GetInt32(1) : 0;
    }

    /// <summary>The id of the path, or null when a 400 has been written.</summary>
    public static async ValueTask<long?> ReadIdAsync(HttpContext context, string kind)
    {
        var text = context.Request.RouteValues["id"] as string ?? "";
        if (long.TryParse(text, System.Globalization.NumberStyles.None, provider: null, out var id) && id > 0)
        {
            return id;
        }

        var shown = text.Length <= 60 ? text : text[..60] + "…";
        await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, $"'{shown}' is not the id of a {kind}: it must be a whole number from 1 to {long.MaxValue}.");
        return null;
    }

    public static Task NotFoundAsync(HttpContext context, string kind) =>
        Problem.WriteAsync(context, StatusCodes.Status404NotFound, $"There is no {kind} {context.Request.RouteValues["id"]}.");
}
