using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using PaymentSimulator;

namespace Rez.Tests.Payments;

/// <summary>The provider simulator, in this process on a free port.</summary>
internal sealed class Simulator : IAsyncDisposable
{
    public const string SecretKey = "sk_test";
    public const string WebhookSecret = "whsec_test";

    private readonly WebApplication _app;

    private Simulator(WebApplication app)
    {
        _app = app;
        Http = new HttpClient { BaseAddress = new Uri(app.Urls.First()), Timeout = Shop.Wait, DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", SecretKey) } };
    }

    /// <summary>Sends the secret key.</summary>
    public HttpClient Http { get; }

    /// <summary>Settings of a rez that pays here. Its circuit breaker is out of the way: what some tests break is not to stop others.</summary>
    public string[] Settings =>
        [$"--Payments:Url={_app.Urls.First()}", $"--Payments:SecretKey={SecretKey}", $"--Payments:WebhookSecret={WebhookSecret}", "--Payments:Timeout=00:00:02", "--Payments:Horizon=00:01:00", "--Payments:BreakerCalls=100000"];

    public static async Task<Simulator> StartAsync(string file)
    {
        var app = SimulatorApp.Build(
        [
            $"--Simulator:SecretKey={SecretKey}", $"--Simulator:WebhookSecret={WebhookSecret}", $"--Simulator:Data={file}", "--Simulator:WebhookPause=00:00:00.2", "--urls=http://127.0.0.1:0", "--Logging:LogLevel:Default=None",
        ]);
        await app.StartAsync();
        return new Simulator(app);
    }

    public void SendEventsTo(Uri url) => _app.Services.GetRequiredService<Webhooks>().Url = url;

    /// <summary>How it misbehaves, until it is disposed of.</summary>
    public IDisposable Misbehaving(Control control)
    {
        var fates = _app.Services.GetRequiredService<Fates>();
        fates.Control = control;
        return new Behaving(fates);
    }

    /// <summary>What was charged and given back for an order, in cents.</summary>
    public async Task<(int Charges, int Refunds, long Net)> LedgerAsync(string order)
    {
        var ledger = (await Http.GetFromJsonAsync($"/ledger?metadata=order&value={order}", SimulatorJson.Default.LedgerView))!;
        return (ledger.Charges.Count, ledger.Refunds.Count, ledger.Charges.Sum(charge => charge.AmountReceived) - ledger.Refunds.Sum(refund => refund.Amount));
    }

    public async Task<(int Status, JsonElement Body, bool IsReplay)> PostAsync(string path, string? key, params (string Name, string Value)[] fields)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value))) };
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        using var response = await Http.SendAsync(request);
        return ((int)response.StatusCode, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement, response.Headers.Contains("Idempotent-Replayed"));
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.DisposeAsync();
    }

    private sealed class Behaving(Fates fates) : IDisposable
    {
        public void Dispose() => fates.Control = new Control();
    }
}
