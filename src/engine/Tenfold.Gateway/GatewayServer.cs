using System.Buffers;
using System.Collections.Frozen;
using System.Globalization;
using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Tenfold.Gateway.Balancing;
using Tenfold.Gateway.Forwarding;
using Tenfold.Gateway.Health;
using Tenfold.Gateway.Instances;
using Tenfold.Gateway.Listening;
using Tenfold.Gateway.Metrics;
using Tenfold.Gateway.RateLimiting;
using Tenfold.Gateway.Retrying;
using Tenfold.Gateway.Routing;
using Tenfold.Guide;

namespace Tenfold.Gateway;

/// <summary>
/// The gateway of one system: a reverse proxy and load balancer by the guide's <c>gateway</c> section. Whoever runs the
/// instances adds them when they are ready, drains them before they stop and removes them when they are gone.
/// </summary>
/// <remarks>Thread-safe. Defaults are the guide's; time limits hold to within 100 ms.</remarks>
public sealed partial class GatewayServer : IAsyncDisposable
{
    private readonly string _scheme;
    private readonly FrozenDictionary<string, ServiceInstances> _services;
    private readonly GatewayRateLimits _limits;
    private readonly RouteTable _routes;
    private readonly GatewayClock _clock;
    private readonly OwnPages _pages;
    private readonly Sweeper _sweeper;
    private readonly Listener _listener;
    private readonly ILogger _log;
    private readonly int _instanceConnections;
    private int _disposed;

    /// <summary>A gateway that does not listen yet.</summary>
    /// <param name="guide">The whole guide: gateway, services and their health, budgets.</param>
    /// <param name="time">Clock and timers.</param>
    /// <param name="logs">Null logs nothing.</param>
    /// <exception cref="FormatException">A route names no service, or an invalid hash or network.</exception>
    public GatewayServer(SystemGuide guide, TimeProvider time, ILoggerFactory? logs = null)
    {
        ArgumentNullException.ThrowIfNull(guide);
        ArgumentNullException.ThrowIfNull(time);
        logs ??= NullLoggerFactory.Instance;
        _log = logs.CreateLogger("Tenfold.Gateway");
        _clock = new GatewayClock(time);
        var section = guide.Gateway;
        _scheme = section.Tls is null ? "http" : "https";
        var labels = RouteTable.LabelsOf(guide);
        _services = guide.Services.ToFrozenDictionary(
            service => service.Key,
            service => new ServiceInstances(service.Key, service.Value.Health, new RetryBudget(section.Retries.Budget.Fraction, section.Retries.MinPerSecond), labels.Length),
            StringComparer.Ordinal);
        _instanceConnections = section.Limits.InstanceConnections;
        _limits = new GatewayRateLimits(guide, time, logs);
        _routes = new RouteTable(guide, labels, new SplitMixRandom((ulong)time.GetTimestamp()), ServiceOf, _limits.For);
        _pages = new OwnPages(_routes, WriteMetrics, _clock);
        _sweeper = new Sweeper(_clock, SweepConnections, fault => LogFault(_log, fault));
        _listener = new Listener(guide, new Forwarder(_routes, section, _clock, _pages), _clock, _sweeper, logs);
    }

    /// <summary>The port that it listens on; 0 before <see cref="StartAsync"/>.</summary>
    public int Port => _listener.Port;

    /// <summary>Its address on this machine, without a slash at the end: <c>http://localhost:8080</c>.</summary>
    public string Url => string.Create(CultureInfo.InvariantCulture, $"{_scheme}://localhost:{Port}");

    /// <summary>Listens. Requests get 503 until instances are added.</summary>
    /// <exception cref="GatewayException">The port is in use or may not be used, or the certificate cannot be read.</exception>
    public Task StartAsync(CancellationToken cancellationToken) => _listener.StartAsync(cancellationToken);

    /// <summary>
    /// Tells where a store of the guide is. Rate limits count in their Redis from then on; before, this process counts them alone.
    /// </summary>
    /// <param name="store">Its name.</param>
    /// <param name="connectionString">As the instances get it. The store may be away.</param>
    /// <exception cref="FormatException">It is no URL of a Redis, and rate limits count there.</exception>
    public ValueTask ConnectStoreAsync(string store, string connectionString) => _limits.ConnectAsync(store, connectionString);

    /// <summary>Whether rate limits are counted by this process alone, because their Redis is not known or away.</summary>
    public bool CountsAlone => _limits.Limiter.IsInsured;

    /// <summary>Takes an instance into rotation that has been seen ready; slow start applies. One of the same name is replaced.</summary>
    /// <exception cref="ArgumentException">The guide has no such service.</exception>
    public void Add(Upstream upstream)
    {
        ArgumentNullException.ThrowIfNull(upstream);
        var service = ServiceOf(upstream.Service);
        var instance = new Instance(upstream, service.Health, _routes.Labels.Length, _instanceConnections, _clock);
        service.Add(instance)?.Dispose();
        _ = new ActiveCheck(instance, service.Health, _clock.Time, Changed).RunAsync(instance.Leaving);
        LogAdded(_log, upstream.Service, upstream.Instance, upstream.EndPoint);
    }

    /// <summary>Gives an instance no more requests, and waits until it has answered those it has.</summary>
    /// <param name="service">Its service.</param>
    /// <param name="instance">Its name.</param>
    /// <param name="limit">How long to wait.</param>
    /// <param name="cancellationToken">Ends the waiting, not the draining.</param>
    /// <returns>Whether nothing is in flight any more; true for one that is not there.</returns>
    public async Task<bool> DrainAsync(string service, string instance, TimeSpan limit, CancellationToken cancellationToken)
    {
        if (ServiceOf(service).Find(instance) is not { } leaving)
        {
            return true;
        }

        leaving.BeginDraining();
        LogDraining(_log, service, instance, leaving.InFlight);
        try
        {
            await leaving.Drained.WaitAsync(limit, _clock.Time, cancellationToken);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>Forgets an instance: its idle connections are closed, tunnels (WebSockets) to it ended. Its counts are kept.</summary>
    public void Remove(string service, string instance)
    {
        if (ServiceOf(service).Remove(instance) is { } gone)
        {
            gone.Dispose();
            LogRemoved(_log, service, instance);
        }
    }

    /// <summary>What has been counted so far and how the instances are.</summary>
    public GatewaySnapshot Snapshot() =>
        SnapshotTaker.Take(_services.Values, _routes.Labels, _pages.Unrouted, _listener.Clients, _clock.Time.GetUtcNow(), _clock.Now);

    /// <summary>What has been counted of one service so far: cheap enough for every second.</summary>
    /// <exception cref="ArgumentException">The guide has no such service.</exception>
    public ServiceTraffic TrafficOf(string service) => ServiceTraffic.Of(ServiceOf(service), _clock.Now);

    /// <summary>Requests in flight at each instance of a service now.</summary>
    /// <exception cref="ArgumentException">The guide has no such service.</exception>
    public IReadOnlyList<KeyValuePair<string, int>> InFlightOf(string service) =>
        [.. ServiceOf(service).All.Select(instance => KeyValuePair.Create(instance.Upstream.Instance, instance.InFlight))];

    /// <summary><see cref="Snapshot"/> in Prometheus text format, and what whoever runs the instances has to add.</summary>
    public void WriteMetrics(IBufferWriter<byte> output)
    {
        PrometheusText.Write(Snapshot(), SnapshotTaker.InFlight(_sweeper.Exchanges, _routes.Labels), _limits.Limiter, output);
        MoreMetrics?.Invoke(output);
    }

    /// <summary>Writes more of them, in Prometheus text format, to <c>/metrics</c>. To be set before it listens.</summary>
    public Action<IBufferWriter<byte>>? MoreMetrics { get; set; }

    /// <summary>Stops listening, lets requests in flight finish for up to 5 s, then breaks them off. Twice does no harm.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
        {
            return;
        }

        await _listener.DisposeAsync();
        _sweeper.Dispose();
        await _limits.DisposeAsync();
        foreach (var instance in _services.Values.SelectMany(service => service.All))
        {
            instance.Dispose();
        }
    }

    private ServiceInstances ServiceOf(string name) =>
        _services.TryGetValue(name, out var service) ? service : throw new ArgumentException($"The guide has no service '{name}'.", nameof(name));

    private void Changed(Instance instance)
    {
        var upstream = instance.Upstream;
        var state = instance.State(_clock.Now);
        if (state == InstanceState.Ready)
        {
            instance.RestartSlowStart(_clock.Now);
        }

        LogChanged(_log, upstream.Service, upstream.Instance, state, instance.LastCheck?.Error ?? $"status {instance.LastCheck?.Status}");
    }

    private void SweepConnections(long now)
    {
        foreach (var service in _services.Values)
        {
            foreach (var instance in service.All)
            {
                instance.Connections.Sweep(now);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Information, "{Service}/{Instance} is in rotation at {EndPoint}")]
    private static partial void LogAdded(ILogger log, string service, string instance, EndPoint endPoint);

    [LoggerMessage(2, LogLevel.Information, "{Service}/{Instance} drains {InFlight} requests")]
    private static partial void LogDraining(ILogger log, string service, string instance, int inFlight);

    [LoggerMessage(3, LogLevel.Information, "{Service}/{Instance} is out of rotation")]
    private static partial void LogRemoved(ILogger log, string service, string instance);

    [LoggerMessage(4, LogLevel.Warning, "{Service}/{Instance} is {State} after a health check: {Reason}")]
    private static partial void LogChanged(ILogger log, string service, string instance, InstanceState state, string reason);

    [LoggerMessage(5, LogLevel.Error, "A look at the connections failed; it goes on with the others")]
    private static partial void LogFault(ILogger log, Exception fault);
}
