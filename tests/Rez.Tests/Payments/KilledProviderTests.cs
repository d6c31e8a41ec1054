using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Rez.Payments;
using Rez.Payments.Provider;
using Tenfold.Postgres.Shards;

namespace Rez.Tests.Payments;

/// <summary>kill -9 of the simulator's own process, again and again, under charges.</summary>
public sealed class KilledProviderTests
{
    [Fact]
    [Trait("Suite", "soak")]
    public async Task What_was_acknowledged_is_charged_once_and_what_was_not_is_charged_once_or_never()
    {
        var file = Path.Combine(Path.GetTempPath(), Guid.NewGuid() + ".jsonl");
        var port = FreePort();
        var url = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/"));
        using var provider = new StripeProvider(new PaymentOptions { Url = url, SecretKey = "sk", WebhookSecret = "", BreakerCalls = 100_000, Timeout = TimeSpan.FromSeconds(2) }, TimeProvider.System);
        var said = new Dictionary<long, ChargeStatus>();
        using var stop = new CancellationTokenSource();
        var process = await StartAsync(file, url);
        var charging = Enumerable.Range(0, 4).Select(worker => Task.Run(async () =>
        {
            for (long id = worker + 1; !stop.IsCancellationRequested; id += 4)
            {
                var status = (await provider.ChargeAsync(Payment(id), "pm_ok", CancellationToken.None)).Status;
                lock (said)
                {
                    said[id] = status;
                }
            }
        })).ToList();
        for (var kill = 0; kill < 10; kill++)
        {
            await Task.Delay(500);
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
            process = await StartAsync(file, url);
        }

        await stop.CancelAsync();
        await Task.WhenAll(charging);
        try
        {
            Assert.True(said.Values.Count(status => status == ChargeStatus.Succeeded) > 20, "too few charges to say anything");
            using var http = new HttpClient { BaseAddress = url, DefaultRequestHeaders = { { "Authorization", "Bearer sk" } } };
            var ledger = System.Text.Json.JsonSerializer.Deserialize(await http.GetStringAsync("/ledger"), PaymentSimulator.SimulatorJson.Default.LedgerView)!;
            var charged = ledger.Charges.CountBy(charge => long.Parse(charge.Metadata["payment"])).ToDictionary();
            Assert.All(charged, charge => Assert.Equal(1, charge.Value));
            foreach (var (id, status) in said)
            {
                var found = (await provider.FindAsync(new ShardId(id), CancellationToken.None)).Status;
                Assert.Equal((id, charged.ContainsKey(id)), (id, found == ChargeStatus.Succeeded));
                Assert.True(status == ChargeStatus.Unknown || charged.ContainsKey(id) == (status == ChargeStatus.Succeeded), $"charge {id} was said to be {status}, and {(charged.ContainsKey(id) ? "was" : "was not")} made");
            }
        }
        finally
        {
            process.Kill();
            process.Dispose();
            File.Delete(file);
        }
    }

    private static Payment Payment(long id) => new(new ShardId(id), new ShardId(1), new ShardId(1), 100, PaymentState.Processing, null, null, 0, 0, default, default);

    private static async Task<Process> StartAsync(string file, Uri url)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "payment-simulator.dll"), $"--Simulator:SecretKey=sk", $"--Simulator:Data={file}", $"--urls={url}", "--Logging:LogLevel:Default=None"]) { UseShellExecute = false };
        var process = Process.Start(start)!;
        using var http = new HttpClient { BaseAddress = url };
        using var limit = new CancellationTokenSource(Shop.Wait);
        while (true)
        {
            try
            {
                using var response = await http.GetAsync("/health", limit.Token);
                return process;
            }
            catch (HttpRequestException)
            {
                Assert.False(process.HasExited, "the simulator has ended");
                await Task.Delay(50, limit.Token);
            }
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }
}
