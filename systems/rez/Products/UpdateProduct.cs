using System.Text.Json;
using Npgsql;
using Rez.Caching;
using Rez.Http;
using Tenfold.AspNetCore.Errors;
using Tenfold.AspNetCore;
using Tenfold.Caching;
using Tenfold.Postgres;

namespace Rez.Products;

/// <summary>
/// <c>PUT</c> and <c>PATCH /api/products/{id}</c>. With <c>If-Match</c> the change is made only to that version (the ETag of a
/// GET), else 412; without it the last one wins.
/// </summary>
internal sealed class UpdateProduct(PostgresStore database, TenfoldCache cache)
{
    private const string Sql =
        """
        UPDATE products SET name = coalesce($2, name), brand = coalesce($3, brand), description = coalesce($4, description),
            price_cents = coalesce($5, price_cents), category_id = coalesce($6, category_id), is_active = coalesce($7, is_active),
            is_featured = coalesce($8, is_featured), version = version + 1, updated_at = now()
        WHERE id = $1 AND ($9 IS NULL OR version = $9) RETURNING json, version
        """;

    public Task PutAsync(HttpContext context) => HandleAsync(context, whole: true);

    public Task PatchAsync(HttpContext context) => HandleAsync(context, whole: false);

    private async Task HandleAsync(HttpContext context, bool whole)
    {
        if (await ItemReply.ReadIdAsync(context, "product") is not { } id
            || !await new QueryParameters(context).AnswerErrorsAsync(context)
            || await ReadChangeAsync(context, whole) is not { } change)
        {
            return;
        }

        if (!TryReadVersion(context.Request.Headers.IfMatch, out var version))
        {
            await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, "If-Match must be one ETag of this product, such as \"3\", or *.");
            return;
        }

        try
        {
            await AnswerAsync(context, id, change, version);
        }
        catch (PostgresException noCategory) when (noCategory.SqlState == PostgresErrorCodes.ForeignKeyViolation)
        {
            await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, $"categoryId: there is no category {change.CategoryId}.", Field("categoryId", $"there is no category {change.CategoryId}"));
        }
    }

    private async Task AnswerAsync(HttpContext context, long id, ProductChange change, int? version)
    {
        using var reply = new Reply();
        try
        {
            // Also makes again what met another change in a deadlock: renaming a category locks it and then its products, moving a product into it the other way round.
            var changed = await database.WriteAsync(context.Caller(), (reply, id, change, version), WriteAsync, context.RequestAborted);
            if (changed is not null)
            {
                context.Response.Headers.ETag = $"\"{changed}\"";
            }
        }
        catch (Exception unknown) when (unknown is not PostgresException)
        {
            // The client has left, or the connection broke: the change may have been made.
            await Cached.InvalidateAsync(cache, id, change);
            throw;
        }

        if (reply.Length > 0)
        {
            await Cached.InvalidateAsync(cache, id, change);
            await reply.SendAsync(context);
            return;
        }

        await using var reader = await database.OpenReaderAsync(context.Caller(), context.RequestAborted);
        await using var find = new NpgsqlCommand("SELECT version FROM products WHERE id = $1", reader);
        find.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id });
        await (await find.ExecuteScalarAsync(context.RequestAborted) is int found
            ? Problem.WriteAsync(context, StatusCodes.Status412PreconditionFailed, $"Product {id} is at version {found} now, not at {version}: read it again and repeat the change.")
            : ItemReply.NotFoundAsync(context, "product"));
    }

    /// <returns>The product's version now; null when nothing was changed.</returns>
    private static async ValueTask<int?> WriteAsync(NpgsqlConnection connection, (Reply Reply, long Id, ProductChange Change, int? Version) wanted, CancellationToken cancel)
    {
        wanted.Reply.Rewind(0);
        await using var command = Command(connection, wanted.Id, wanted.Change, wanted.Version);
        await using var rows = await command.ExecuteReaderAsync(cancel);
        if (!await rows.ReadAsync(cancel))
        {
            return null;
        }

        wanted.Reply.Add("{\"success\":true,\"data\":"u8).Add(rows, 0).Add("}"u8);
        return rows.GetInt32(1);
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, long id, ProductChange change, int? version)
    {
        var command = new NpgsqlCommand(Sql, connection);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id });
        Add(change.Name);
        Add(change.Brand);
        Add(change.Description);
        Add(change.Price is { } price ? (int?)(price * 100) : null);
        Add(change.CategoryId);
        Add(change.IsActive);
        Add(change.IsFeatured);
        Add(version);
        return command;

        void Add<T>(T value) => command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
    }

    private static async ValueTask<ProductChange?> ReadChangeAsync(HttpContext context, bool whole)
    {
        if (!context.Request.HasJsonContentType())
        {
            await Problem.WriteAsync(context, StatusCodes.Status415UnsupportedMediaType, $"The body is '{context.Request.ContentType}'; send application/json.");
            return null;
        }

        ProductChange? change = null;
        Dictionary<string, string[]> errors;
        try
        {
            change = await context.Request.ReadFromJsonAsync(RezJson.Default.ProductChange, context.RequestAborted);
            errors = change?.Errors(whole) ?? Field("body", "is null; send an object");
        }
        catch (JsonException wrong)
        {
            errors = Describe(wrong);
        }
        catch (InvalidOperationException)
        {
            // Its charset is no encoding that .NET knows.
            await Problem.WriteAsync(context, StatusCodes.Status415UnsupportedMediaType, $"The body is '{context.Request.ContentType}'; send application/json in UTF-8.");
            return null;
        }

        if (errors.Count == 0)
        {
            return change;
        }

        await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, "The product is not valid: " + string.Join("; ", errors.Select(error => $"{error.Key} {error.Value[0]}")) + ".", errors);
        return null;
    }

    /// <summary>The serializer's messages name .NET types; a client is told the field and what is wrong with it.</summary>
    private static Dictionary<string, string[]> Describe(JsonException wrong)
    {
        var field = wrong.Path is { Length: > 2 } path && path.StartsWith("$.", StringComparison.Ordinal) ? path[2..] : "body";
        var message = wrong.Message switch
        {
            _ when wrong.Message.StartsWith("must not be null", StringComparison.Ordinal) => "must not be null",
            _ when wrong.Message.Contains("could not be mapped", StringComparison.Ordinal) => "is not a field of a product that can be changed",
            _ when wrong.Message.Contains("Duplicate property", StringComparison.Ordinal) => "is given twice",
            _ when wrong.Message.Contains("could not be converted", StringComparison.Ordinal) => "has the wrong type",
            _ => $"is not JSON (line {wrong.LineNumber + 1}, byte {wrong.BytePositionInLine + 1})",
        };
        return Field(field, message);
    }

    private static bool TryReadVersion(string? ifMatch, out int? version)
    {
        version = null;
        if (ifMatch is null or "" or "*")
        {
            return true;
        }

        if (ifMatch.Length > 2 && ifMatch[0] == '"' && ifMatch[^1] == '"' && int.TryParse(ifMatch[1..^1], out var number))
        {
            version = number;
            return true;
        }

        return false;
    }

    private static Dictionary<string, string[]> Field(string name, string message) => new(StringComparer.Ordinal) { [name] = [message] };
}
