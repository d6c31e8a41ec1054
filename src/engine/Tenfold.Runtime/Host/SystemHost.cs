using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Tenfold.Gateway;
using Tenfold.Guide;
using Tenfold.Runtime.Control;
using Tenfold.Runtime.Instances;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.Scaling;
using Tenfold.Runtime.State;
using Tenfold.Runtime.Stores;

namespace Tenfold.Runtime.Host;

/// <summary>
/// Runs one system in this process: gateway, stores, schema, builds, seeds, instances, control socket. Whatever step fails,
/// everything that was started before it is stopped. Thread-safe.
/// </summary>
public sealed class SystemHost : IControlTarget, IAsyncDisposable
{
    private static readonly TimeSpan OrphanGrace = TimeSpan.FromSeconds(10);

    private readonly HostOptions _options;
    private readonly SystemGuide _guide;
    private readonly SystemState _state;
    private readonly HostSteps _steps;
    private readonly HostStores _stores;
    private readonly ConcurrentDictionary<string, ServiceSupervisor> _services = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _stopRequested = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _hurry = new();
    private readonly SharedRandom _random = new();
    private readonly Lock _lock = new();
    private readonly HostReporter _reporter;
    private readonly SystemScaling _scaling;
    private HostLock? _hostLock;
    private GatewayServer? _gateway;
    private ControlServer? _control;
    private Task? _stop;
    private volatile string _phase = "starting";

    public SystemHost(HostOptions options)
    {
        _options = options;
        _guide = options.Guide;
        _state = options.State;
        Since = options.Time.GetUtcNow();
        _steps = new HostSteps(options.Report, options.Time);
        _stores = new HostStores(options, _steps, _random);
        _reporter = new HostReporter(this);
        _scaling = new SystemScaling(_guide, _state, options.Time, _steps.Note);
    }

    /// <summary>When it was made.</summary>
    public DateTimeOffset Since { get; }

    /// <summary>Completes when somebody asks the system to stop over its control socket.</summary>
    public Task StopRequested => _stopRequested.Task;

    internal HostOptions Options => _options;

    internal string Phase => _phase;

    internal GatewayServer? Gateway => _gateway;

    internal StoreSet? Stores => _stores.Set;

    internal SystemScaling Scaling => _scaling;

    internal IReadOnlyCollection<NoteStatus> Notes => _steps.Notes;

    internal IEnumerable<ServiceSupervisor> Services => _guide.Services.Keys.Select(name => _services.GetValueOrDefault(name)).OfType<ServiceSupervisor>();

    /// <summary>Starts everything; returns when every instance is ready and gets requests.</summary>
    /// <exception cref="RuntimeException">A step failed, or another host runs this system; nothing was left running.</exception>
    /// <exception cref="GatewayException">The gateway's port cannot be listened on; nothing was left running.</exception>
    public async Task StartAsync(CancellationToken cancel)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, _stopping.Token);
        try
        {
            await StartPartsAsync(both.Token);
        }
        catch
        {
            await StopAsync(new CancellationToken(canceled: true));
            throw;
        }
    }

    /// <summary>Stops everything: instances drained, then the gateway, then the stores. May be called again, also to hurry it.</summary>
    /// <param name="hurry">When cancelled, nothing in flight is waited for.</param>
    public async Task StopAsync(CancellationToken hurry)
    {
        Task stop;
        lock (_lock)
        {
            stop = _stop ??= Task.Run(StopPartsAsync, CancellationToken.None);
        }

        await using (hurry.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _hurry))
        {
            await stop;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(new CancellationToken(canceled: true));
        _stopping.Dispose();
        _hurry.Dispose();
    }

    public SystemStatus Status() => _reporter.Status();

    public void RequestStop()
    {
        _stopRequested.TrySetResult();
        _stopping.Cancel(); // a start that is under way is given up
    }

    public async Task RestartAsync(string? serviceOrInstance, Action<string> report)
    {
        CheckUp();
        var services = serviceOrInstance is null
            ? Services.ToList()
            : [Services.FirstOrDefault(service => service.Name == serviceOrInstance || service.Instances.Any(instance => instance.Name == serviceOrInstance)) ?? throw Unknown(serviceOrInstance)];
        foreach (var service in services)
        {
            await service.RestartAsync(serviceOrInstance == service.Name ? null : serviceOrInstance, report, _stopping.Token);
        }
    }

    public async Task ScaleAsync(string service, int? count, Action<string> report)
    {
        CheckUp();
        if (!_services.ContainsKey(service) && _guide.Stores.ContainsKey(service))
        {
            await ScaleReplicasAsync(service, count, report);
            return;
        }

        var supervisor = _services.GetValueOrDefault(service) ?? throw Unknown(service);
        var before = supervisor.Wanted;
        if (count is not { } number)
        {
            _scaling.Unpin(service, before);
            report($"{service} is scaled by its rules");
            return;
        }

        var scaling = supervisor.ScaleAsync(number, report, _stopping.Token);
        if (!scaling.IsFaulted)
        {
            _scaling.Pin(service, number, before); // not for one that was refused
            _scaling.Claim();
        }

        try
        {
            await scaling;
        }
        finally
        {
            _scaling.Claim(); // those that left are gone
        }
    }

    private async Task ScaleReplicasAsync(string store, int? count, Action<string> report)
    {
        var before = _stores.Set!.Scaled().FirstOrDefault(database => database.Plan.Store == store)?.WantedReplicas ?? 0;
        if (count is not { } number)
        {
            _scaling.PinReplicas(store, null, before);
            report($"the replicas of {store} are scaled by its rules");
            return;
        }

        var scaling = _stores.Set.ScaleAsync(store, number, report, _stopping.Token);
        if (!scaling.IsFaulted)
        {
            _scaling.PinReplicas(store, number, before); // not for one that was refused
        }

        await scaling;
    }

    public IReadOnlyList<ScalingDecision> Decisions(long after, string? service) => _scaling.Log.Value.After(after, service);

    public IReadOnlyList<DatabaseAccess> Databases() => _stores.Set?.Databases() ?? [];

    public ServiceLaunch Launch(string service)
    {
        CheckUp();
        return (_services.GetValueOrDefault(service) ?? throw Unknown(service)).Launch;
    }

    public async Task GrowAsync(string store, int shards, Action<string> report)
    {
        CheckUp();
        await _stores.GrowAsync(store, shards, report, _stopping.Token);
        _scaling.Start(_stores.Set!.Scaled());
    }

    public async Task WriteMetricsAsync(Stream stream, CancellationToken cancel)
    {
        var text = new ArrayBufferWriter<byte>();
        _gateway?.WriteMetrics(text);
        await stream.WriteAsync(text.WrittenMemory, cancel);
    }

    private async Task StartPartsAsync(CancellationToken cancel)
    {
        _hostLock = await HostLock.TryTakeAsync(_state, _options.Time, cancel)
            ?? throw (HostLock.Owner(_state) is { } owner
                ? new RuntimeException(RuntimeFailure.Guide, $"{_guide.System} is already up (host process {owner.Pid}); stop it first with: tenfold down {_guide.System}")
                : new RuntimeException(RuntimeFailure.Failed, $"another command ends what the last run of {_guide.System} left; try again when it is done"));
        var orphans = await Orphans.EndAsync(_state, OrphanGrace, _options.Time, cancel);
        if (orphans.Count > 0)
        {
            _steps.Note($"the last host was killed; ended what it left: {string.Join(", ", orphans.Select(one => one.Name).Distinct())}");
        }

        _control = await ControlServer.StartAsync(_state.ControlSocket, this, cancel);
        // First of all, because it is the quickest to fail: the port. Until there are instances it answers 503.
        _gateway = new GatewayServer(_guide, _options.Time, new NoteLogs(_steps.Note)) { MoreMetrics = _scaling.WriteMetrics };
        await _steps.RunAsync(_guide.Gateway.Port == 0 ? "gateway on a free port" : $"gateway on port {_guide.Gateway.Port}", () => _gateway.StartAsync(cancel));

        var stores = _stores.StartAsync(cancel);
        var programs = BuildAsync(cancel);
        await AllAsync(stores, programs);
        await StartServicesAsync(await programs, cancel);
        _scaling.Start(Services, _gateway, Databases);
        _scaling.Start(_stores.Set?.Scaled() ?? []);
        _phase = "up";
        _options.Report(new HostEvent(HostEventKind.Ready, $"{_guide.System} is up", (_options.Time.GetUtcNow() - Since).TotalSeconds));
    }

    private async Task<IReadOnlyDictionary<string, ServiceProgram>> BuildAsync(CancellationToken cancel)
    {
        var programs = new Dictionary<string, ServiceProgram>(StringComparer.Ordinal);
        foreach (var (name, service) in _guide.Services)
        {
            programs[name] = service.Project is null
                ? await ServiceSetup.PrepareAsync(name, service, _guide, _state, _options.Time, cancel)
                : await _steps.RunAsync($"build of {name}", () => ServiceSetup.PrepareAsync(name, service, _guide, _state, _options.Time, cancel));
        }

        return programs;
    }

    private async Task StartServicesAsync(IReadOnlyDictionary<string, ServiceProgram> programs, CancellationToken cancel)
    {
        var rotation = new GatewayRotation(_gateway!);
        Directory.CreateDirectory(_state.Files);
        foreach (var store in _guide.Stores.Keys)
        {
            await _gateway!.ConnectStoreAsync(store, _stores.Set!.ConnectionString(store));
        }

        var ledger = _guide.Stores.Where(store => store.Value.Engine == StoreEngine.Postgres).Select(store => _stores.Set!.ConnectionString(store.Key)).FirstOrDefault();
        var starting = new List<Task>();
        foreach (var (name, service) in _guide.Services)
        {
            var program = programs[name];
            var environment = () => InstanceEnvironment.OfService(name, service.Environment, _options.GuideFile, _gateway!.Url, _state.Files, _stores.Strings());
            if (program.Seed is not null)
            {
                await ServiceSetup.SeedOnceAsync(
                    name,
                    ledger,
                    _state,
                    token => _steps.RunAsync($"seed of {name}", () => ServiceSetup.SeedAsync(name, program, environment(), _state, _options.Time, token)),
                    _steps.Note,
                    cancel);
            }

            var supervisor = new ServiceSupervisor(new ServiceRun
            {
                Name = name,
                Service = service,
                Command = program.Command,
                WorkingDirectory = program.WorkingDirectory,
                Environment = environment,
                State = _state,
                Rotation = rotation,
                Time = _options.Time,
                Random = _random,
                Note = _steps.Note,
            });
            _services[name] = supervisor;
            starting.Add(_steps.RunAsync($"{name}: {supervisor.Min} instance{(supervisor.Min == 1 ? "" : "s")}", () => supervisor.StartAsync(cancel)));
        }

        await AllAsync([.. starting]);
    }

    private async Task StopPartsAsync()
    {
        await _stopping.CancelAsync();
        var wasUp = _phase == "up";
        _phase = "stopping";
        if (wasUp)
        {
            _options.Report(new HostEvent(HostEventKind.Begun, "stop"));
        }

        // Whatever one part fails with, the next ones are stopped all the same.
        ExceptionDispatchInfo? failure = null;
        foreach (var stop in (Func<Task>[])[() => EndAsync(_scaling), StopServicesAsync, () => EndAsync(_gateway), () => EndAsync(_stores), () => EndAsync(_control)])
        {
            try
            {
                await stop();
            }
            catch (Exception e)
            {
                failure ??= ExceptionDispatchInfo.Capture(e);
            }
        }

        _reporter.Dispose();
        _hostLock?.Dispose();
        failure?.Throw();
        if (wasUp)
        {
            _options.Report(new HostEvent(HostEventKind.Done, "stop"));
        }
    }

    private Task StopServicesAsync() => Task.WhenAll(_services.Values.Select(service => service.StopAsync(_hurry.Token)));

    private static Task EndAsync(IAsyncDisposable? part) => part?.DisposeAsync().AsTask() ?? Task.CompletedTask;

    /// <summary>Waits for all, and fails with the first failure only when none is working any more: nothing is started after the stop.</summary>
    private async Task AllAsync(params Task[] tasks)
    {
        var all = Task.WhenAll(tasks);
        foreach (var task in tasks)
        {
            _ = task.ContinueWith(_ => _stopping.Cancel(), CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        }

        try
        {
            await all;
        }
        catch (Exception e) when (all.Exception is { } many && e is OperationCanceledException)
        {
            throw many.InnerExceptions.First(one => one is not OperationCanceledException);
        }
    }

    private void CheckUp()
    {
        if (_phase is not "up" and var phase)
        {
            throw new RuntimeException(RuntimeFailure.Failed, $"{_guide.System} is {phase}; wait until it is up: tenfold status {_guide.System} --watch");
        }
    }

    private RuntimeException Unknown(string name) => new(
        RuntimeFailure.Guide,
        $"{_guide.System} has no service or instance '{name}'; it has: {string.Join(", ", Services.SelectMany(service => service.Instances.Select(instance => instance.Name).Prepend(service.Name)))}");
}
