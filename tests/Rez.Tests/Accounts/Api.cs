using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Rez.Tests.Accounts;

/// <summary>An answer: status, body, headers.</summary>
internal sealed record Answer(int Status, JsonNode? Body, HttpResponseMessage Response)
{
    public JsonNode Data => Body!["data"]!;

    public string Detail => Body!["detail"]!.GetValue<string>();
}

/// <summary>Calls of the API as a client makes them.</summary>
internal static class Api
{
    public const string Password = "correct horse battery";

    private static int _hosts;

    /// <summary>An address that no other test uses, as the gateway tells it: failed logins are counted by address.</summary>
    public static string NewAddress() => Interlocked.Increment(ref _hosts) is var host ? $"198.51.{host / 250}.{1 + (host % 250)}" : "";

    public static string NewEmail() => $"{Guid.NewGuid():N}@test.example";

    public static async Task<Answer> CallAsync(this HttpClient http, string method, string path, object? body = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Content = body switch { null => null, string text => new StringContent(text, System.Text.Encoding.UTF8, "application/json"), _ => JsonContent.Create(body) };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        var response = await http.SendAsync(request);
        var text2 = await response.Content.ReadAsStringAsync();
        return new Answer((int)response.StatusCode, text2.Length == 0 ? null : JsonNode.Parse(text2), response);
    }

    public static (string, string) Bearer(string token) => ("Authorization", "Bearer " + token);

    public static (string, string) From(string address) => ("X-Forwarded-For", address);
}
