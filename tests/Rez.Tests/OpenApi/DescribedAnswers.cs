using System.Text.Json;

namespace Rez.Tests.OpenApi;

/// <summary>What an operation has answered; without a body when that is no JSON.</summary>
internal sealed record Answer(int Status, string? Type, string Body);

/// <summary>Holds answers against what the OpenAPI document says of them: status, content type and every field.</summary>
internal sealed class DescribedAnswers(JsonElement document)
{
    private readonly SchemaCheck _schemas = new(document);

    /// <param name="operation"><c>GET /api/products/{id}</c>.</param>
    /// <param name="answer">What was answered.</param>
    public IEnumerable<string> Differences(string operation, Answer answer)
    {
        if (operation.Split(' ') is not [var method, var path] || !document.GetProperty("paths").TryGetProperty(path, out var methods) || !methods.TryGetProperty(method.ToLowerInvariant(), out var described))
        {
            return ["is not in the document"];
        }

        if (!described.GetProperty("responses").TryGetProperty(answer.Status.ToString(), out var response))
        {
            return [$"{answer.Status} is not among its answers in the document: {answer.Body}"];
        }

        if (!response.TryGetProperty("content", out var content))
        {
            return answer.Body.Length > 0 ? [$"{answer.Status} has a body, in the document it has none"] : [];
        }

        if (answer.Type is null || (!content.TryGetProperty(answer.Type, out var type) && !content.TryGetProperty(answer.Type.Split('/')[0] + "/*", out type)))
        {
            return [$"{answer.Status} is {answer.Type ?? "without a type"}, in the document {string.Join(" or ", content.EnumerateObject().Select(one => one.Name))}"];
        }

        if (answer.Body.Length == 0)
        {
            return [];
        }

        using var json = JsonDocument.Parse(answer.Body);
        return [.. _schemas.Of(json.RootElement, type.GetProperty("schema")).Select(wrong => $"{answer.Status}: {wrong}")];
    }
}
