using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Tenfold.EndToEnd.Tests.Support;

/// <summary>Logs the client of a running rez in as the administrator that its seed has made: what is changed needs somebody who may.</summary>
internal static class RezAdministrator
{
    public static async Task LogInAsync(HttpClient client)
    {
        using var answer = await client.PostAsJsonAsync("/api/auth/login", new { email = "admin@rez.example", password = "rez-demo-password" });
        var body = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{(int)answer.StatusCode} {body}");
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", JsonNode.Parse(body)!["data"]!["accessToken"]!.GetValue<string>());
    }
}
