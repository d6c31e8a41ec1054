using System.Net;
using Tenfold.EndToEnd.Tests.Support;

namespace Tenfold.EndToEnd.Tests.Spine;

/// <summary>A store that dies is brought back; requests get a 503 meanwhile, and then work again.</summary>
[Collection(nameof(RezFixture))]
public sealed class StoreFailureTests(RezFixture fixture)
{
    private readonly RunningSystem _rez = fixture.Rez;

    [Theory]
    [InlineData("main")]
    [InlineData("cache")]
    public async Task A_killed_store_is_restarted_and_requests_work_again(string store)
    {
        var pid = await PidOfAsync(store);
        await Signals.SendAsync("KILL", pid);

        await Wait.ForAsync($"{store} to be ready again", async () =>
        {
            await AnswersOkOrUnavailableAsync();
            var status = await _rez.StatusAsync();
            var found = status["stores"]!.AsArray().Single(s => s!["name"]!.GetValue<string>() == store)!;
            return found["ready"]!.GetValue<bool>() && found["pid"]!.GetValue<int>() != pid;
        });
        await Wait.ForAsync("requests to work again", async () => await AnswersOkOrUnavailableAsync() == HttpStatusCode.OK);
        await _rez.ReadyAsync("api", 2);
    }

    private async Task<HttpStatusCode> AnswersOkOrUnavailableAsync()
    {
        using var response = await _rez.Client.GetAsync("/api/products/123456");
        Assert.True(response.StatusCode is HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable, $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        return response.StatusCode;
    }

    private async Task<int> PidOfAsync(string store)
    {
        var status = await _rez.StatusAsync();
        return status["stores"]!.AsArray().Single(s => s!["name"]!.GetValue<string>() == store)!["pid"]!.GetValue<int>();
    }
}
