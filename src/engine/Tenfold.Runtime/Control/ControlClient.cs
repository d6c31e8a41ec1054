using System.Globalization;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Control;

/// <summary>Talks to the host of a system over its control socket. Thread-safe.</summary>
public sealed class ControlClient : IDisposable
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(10);
    private readonly HttpClient _client;
    private readonly string _system;
    private readonly TimeProvider _time;

    public ControlClient(SystemState state, TimeProvider time)
    {
        _system = state.System;
        _time = time;
        _client = new HttpClient(LocalHttp.HandlerTo(new UnixDomainSocketEndPoint(state.ControlSocket)))
        {
            BaseAddress = new Uri("http://control"),
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>How the system is; null when no host answers.</summary>
    public Task<SystemStatus?> StatusAsync(CancellationToken cancel) => AskAsync(
        async token => await _client.GetFromJsonAsync("/status", ControlJson.Default.SystemStatus, token), cancel);

    /// <summary>The databases of every PostgreSQL with their connection strings, secrets included; null when no host answers.</summary>
    public Task<IReadOnlyList<Stores.DatabaseAccess>?> DatabasesAsync(CancellationToken cancel) => AskAsync(
        async token => await _client.GetFromJsonAsync("/databases", ControlJson.Default.IReadOnlyListDatabaseAccess, token), cancel);

    /// <summary>Counters as Prometheus text; null when no host answers.</summary>
    public Task<string?> MetricsAsync(CancellationToken cancel) => AskAsync(
        async token => await _client.GetStringAsync("/metrics", token), cancel);

    /// <summary>Asks the host to stop everything and end; false when no host answers.</summary>
    public async Task<bool> StopAsync(CancellationToken cancel) => await AskAsync(
        async token =>
        {
            using var response = await _client.PostAsync("/stop", null, token);
            return response.EnsureSuccessStatusCode();
        },
        cancel) is not null;

    /// <summary>Replaces instances one by one; yields each step.</summary>
    /// <exception cref="RuntimeException">It failed, or no host answers.</exception>
    public IAsyncEnumerable<string> RestartAsync(string? serviceOrInstance, CancellationToken cancel) =>
        OperateAsync($"/restart?of={Uri.EscapeDataString(serviceOrInstance ?? "")}", cancel);

    /// <summary>Changes the number of instances, and keeps the service's rules from changing it; yields each step.</summary>
    /// <param name="service">The service.</param>
    /// <param name="count">The number; null leaves it to the rules again.</param>
    /// <param name="cancel">Stops listening; the host goes on.</param>
    /// <exception cref="RuntimeException">It failed, or no host answers.</exception>
    public IAsyncEnumerable<string> ScaleAsync(string service, int? count, CancellationToken cancel) =>
        OperateAsync($"/scale?service={Uri.EscapeDataString(service)}&count={count?.ToString(CultureInfo.InvariantCulture) ?? ControlServer.Auto}", cancel);

    /// <summary>What was decided about numbers of instances, the oldest first, at most the last thousand; null when no host answers.</summary>
    /// <param name="after">Only those of a higher number.</param>
    /// <param name="service">Of one service; null: of all.</param>
    /// <param name="cancel">Gives it up.</param>
    public Task<IReadOnlyList<Scaling.ScalingDecision>?> DecisionsAsync(long after, string? service, CancellationToken cancel) => AskAsync(
        async token => await _client.GetFromJsonAsync(
            $"/decisions?after={after.ToString(CultureInfo.InvariantCulture)}&service={Uri.EscapeDataString(service ?? "")}", ControlJson.Default.IReadOnlyListScalingDecision, token),
        cancel);

    /// <summary>How a command of a service is started, secrets included.</summary>
    /// <exception cref="RuntimeException">There is no such service, the system is not up, or no host answers.</exception>
    public async Task<Instances.ServiceLaunch> LaunchAsync(string service, CancellationToken cancel)
    {
        await foreach (var line in OperateAsync($"/launch?service={Uri.EscapeDataString(service)}", cancel))
        {
            return JsonSerializer.Deserialize(line, ControlJson.Default.ServiceLaunch)!;
        }

        throw Gone(null);
    }

    /// <summary>
    /// Has the host start the databases that a store has less than <paramref name="shards"/>, with replicas and schema as its guide
    /// says now, while everything runs on; yields each step.
    /// </summary>
    /// <param name="store">The store.</param>
    /// <param name="shards">As the guide says to the caller: the host may have been started in another environment.</param>
    /// <param name="cancel">Stops listening; the host goes on.</param>
    /// <exception cref="RuntimeException">It failed, the guide has errors or fewer databases than run, or no host answers.</exception>
    public IAsyncEnumerable<string> GrowAsync(string store, int shards, CancellationToken cancel) =>
        OperateAsync($"/grow?store={Uri.EscapeDataString(store)}&shards={shards.ToString(CultureInfo.InvariantCulture)}", cancel);

    public void Dispose() => _client.Dispose();

    private async Task<T?> AskAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken cancel)
        where T : class?
    {
        using var limit = new CancellationTokenSource(AnswerLimit, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
        try
        {
            return await ask(both.Token);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return null;
        }
    }

    private async IAsyncEnumerable<string> OperateAsync(string uri, [EnumeratorCancellation] CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, uri);
        using var response = await SendAsync(request, cancel);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancel));
        while (await ReadAsync(reader, cancel) is { } text)
        {
            var line = JsonSerializer.Deserialize(text, ControlJson.Default.ControlLine)!;
            if (line.Failure is { } failure)
            {
                throw new RuntimeException(failure, line.Text ?? "it failed");
            }

            if (line.Done)
            {
                yield break;
            }

            yield return line.Text ?? "";
        }

        throw Gone(null);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        try
        {
            var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
            return response.EnsureSuccessStatusCode();
        }
        catch (HttpRequestException e)
        {
            throw new RuntimeException(RuntimeFailure.Failed, $"{_system} is not up; start it with: tenfold up {_system}", e);
        }
    }

    private async Task<string?> ReadAsync(StreamReader reader, CancellationToken cancel)
    {
        try
        {
            return await reader.ReadLineAsync(cancel);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw Gone(e);
        }
    }

    private RuntimeException Gone(Exception? e) =>
        new(RuntimeFailure.Failed, $"the host of {_system} went away in the middle; see: tenfold logs {_system} host", e);
}
