using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Tenfold.AspNetCore.Errors;

namespace Commons.Http;

/// <summary>
/// Reads JSON bodies strictly: what is unknown, doubled or of a wrong type becomes an error under its field's name. The type's serializer context
/// must say so: <c>UnmappedMemberHandling.Disallow, AllowDuplicateProperties = false, NumberHandling = Strict</c>.
/// </summary>
public static class JsonBody
{
    /// <summary>The body, or null when a 400, 413 or 415 has been written.</summary>
    /// <param name="context">The request.</param>
    /// <param name="type">How it is read.</param>
    /// <param name="kind">What it is, for messages: "product".</param>
    /// <param name="check">Every error, by field; none: it is right.</param>
    public static async ValueTask<T?> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type, string kind, Func<T, Dictionary<string, string[]>> check)
        where T : class
    {
        if (!context.Request.HasJsonContentType())
        {
            await Problem.WriteAsync(context, StatusCodes.Status415UnsupportedMediaType, $"The body is '{context.Request.ContentType}'; send application/json.");
            return null;
        }

        T? body = null;
        Dictionary<string, string[]> errors;
        try
        {
            body = await context.Request.ReadFromJsonAsync(type, context.RequestAborted);
            errors = body is null ? Error(JsonProblem.Whole, "is null; send an object") : check(body);
        }
        catch (JsonException wrong)
        {
            var (field, message) = JsonProblem.Describe(wrong, ofOneLine: false);
            errors = Error(field, message);
        }
        catch (InvalidOperationException)
        {
            // Its charset is no encoding that .NET knows.
            await Problem.WriteAsync(context, StatusCodes.Status415UnsupportedMediaType, $"The body is '{context.Request.ContentType}'; send application/json in UTF-8.");
            return null;
        }

        if (errors.Count == 0)
        {
            return body;
        }

        await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, $"The {kind} is not valid: {string.Join("; ", errors.Select(error => $"{error.Key} {error.Value[0]}"))}.", errors);
        return null;
    }

    /// <summary>Errors that are one.</summary>
    public static Dictionary<string, string[]> Error(string field, string message) => new(StringComparer.Ordinal) { [field] = [message] };

    /// <summary>For setters of fields that may be left out but not be null.</summary>
    /// <exception cref="JsonException">It is null.</exception>
    public static T NotNull<T>(T value, string field) => value is null ? throw new JsonException("must not be null", "$." + field, null, null) : value;
}
