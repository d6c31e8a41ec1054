using System.Globalization;
using System.Text.Json.Nodes;

namespace Tenfold.EndToEnd.Tests.Support;

/// <summary>A system brought up with <c>tenfold up --detach</c>, and what one asks of it.</summary>
internal sealed class RunningSystem(TenfoldCommand tenfold, string guide) : IAsyncDisposable
{
    private readonly HttpClient _client = new() { Timeout = TimeSpan.FromSeconds(30) };

    public TenfoldCommand Tenfold => tenfold;

    public HttpClient Client => _client;

    public Uri Address { get; private set; } = new("http://localhost/");

    public async Task UpAsync()
    {
        await tenfold.SucceedAsync("up", guide, "--detach");
        var status = await StatusAsync();
        Address = new Uri(status["gateway"]!["url"]!.GetValue<string>());
        _client.BaseAddress ??= Address;
    }

    public async Task<JsonObject> StatusAsync()
    {
        var result = await tenfold.SucceedAsync("status", guide, "--json");
        return JsonNode.Parse(result.Output)!.AsObject();
    }

    /// <summary>The ready instances of a service: name and process id.</summary>
    public async Task<IReadOnlyDictionary<string, int>> ReadyAsync(string service)
    {
        var status = await StatusAsync();
        return status["services"]!.AsArray()
            .Single(s => string.Equals(s!["name"]!.GetValue<string>(), service, StringComparison.Ordinal))!["instances"]!.AsArray()
            .Where(i => i!["ready"]!.GetValue<bool>())
            .ToDictionary(i => i!["name"]!.GetValue<string>(), i => i!["pid"]!.GetValue<int>(), StringComparer.Ordinal);
    }

    /// <summary>Waits until exactly so many instances are ready and none of them is one of the given processes.</summary>
    public Task<IReadOnlyDictionary<string, int>> ReadyAsync(string service, int count, params int[] not) =>
        Wait.ForAsync($"{count} ready instances of {service}", async () =>
        {
            var ready = await ReadyAsync(service);
            return ready.Count == count && !ready.Values.Intersect(not).Any() ? ready : null;
        });

    /// <summary>Runs one of the guide's load tests until <paramref name="meanwhile"/> has ended, and returns its JSON report.</summary>
    public async Task<JsonObject> LoadWhileAsync(string test, Func<Task> meanwhile)
    {
        var report = Path.Combine(tenfold.StateFolder, $"load-{Guid.NewGuid():N}.json");
        using var load = tenfold.Start("load", guide, test, "--json", report);
        var output = load.StandardOutput.ReadToEndAsync();
        var firstProgress = load.StandardError.ReadLineAsync();
        var errors = load.StandardError;
        try
        {
            // Under load, not about to be: progress is reported once requests are being sent.
            Assert.NotNull(await firstProgress);
            var rest = errors.ReadToEndAsync();
            await meanwhile();
            Assert.False(load.HasExited, "the load test ended before what was to happen under load");
            await Signals.SendAsync("INT", load.Id);
            await load.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
            Assert.True(File.Exists(report), $"no report: {await output}\n{await rest}");
        }
        finally
        {
            if (!load.HasExited)
            {
                load.Kill(entireProcessTree: true);
            }
        }

        return JsonNode.Parse(await File.ReadAllTextAsync(report))!.AsObject();
    }

    public async ValueTask DisposeAsync()
    {
        await tenfold.RunAsync(["down", guide]);
        _client.Dispose();
        tenfold.Dispose();
    }
}

/// <summary>Signals, by the program that every Linux has.</summary>
internal static class Signals
{
    public static async Task SendAsync(string signal, int pid)
    {
        using var kill = System.Diagnostics.Process.Start("kill", ["-" + signal, pid.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }
}
