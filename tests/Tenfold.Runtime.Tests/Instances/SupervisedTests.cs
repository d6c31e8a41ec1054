using System.Collections.Concurrent;
using System.Net;
using Tenfold.Guide;
using Tenfold.Runtime.Instances;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Tests.Instances;

/// <summary>Supervisors of real processes: a small Node server.</summary>
public abstract class SupervisedTests : IAsyncDisposable
{
    private const string Server = """
        const http = require('http');
        console.log(`${process.env.TENFOLD_INSTANCE} of ${process.env.TENFOLD_SERVICE} with ${process.env.ConnectionStrings__main}`);
        if (process.env.MODE === 'crash') { console.log('no such table: products'); process.exit(7); }
        const server = http.createServer((request, response) => {
          if (request.url === '/health') { response.statusCode = process.env.MODE === 'ill' ? 503 : 200; return response.end(); }
          setTimeout(() => response.end(process.env.TENFOLD_INSTANCE), 50);
        });
        server.listen(process.env.TENFOLD_SOCKET ?? { port: process.env.PORT, host: '127.0.0.1' });
        process.on('SIGTERM', () => process.env.MODE === 'stubborn' ? console.log('no') : server.close(() => process.exit(0)));
        """;

    protected static CancellationToken Generous => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token; // for each wait anew
    internal TemporaryFolder Folder { get; } = new();
    internal Rotation Rotation { get; } = new();
    internal Notes Notes { get; } = new();
    private readonly List<ServiceSupervisor> _supervisors = [];

    protected SupervisedTests() => Folder.Write("server.js", Server);

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (var supervisor in _supervisors)
        {
            await supervisor.DisposeAsync();
        }

        Folder.Dispose();
    }

    internal SystemState State => SystemState.At(Folder["state"], "test");

    internal static Dictionary<string, string> Mode(string mode) => new() { ["MODE"] = mode };

    internal ServiceSupervisor Supervise(Service service, RestartPolicy? restarts = null, IReadOnlyList<string>? command = null, TimeProvider? time = null)
    {
        State.Create();
        var supervisor = new ServiceSupervisor(new ServiceRun
        {
            Name = "api",
            Service = service,
            Command = command ?? ["node", "server.js"],
            WorkingDirectory = Folder.Path,
            Environment = () => InstanceEnvironment.OfService("api", service.Environment, "tenfold.yaml", "http://localhost:8080", "/files", new Dictionary<string, string> { ["main"] = "Host=main" }),
            State = State,
            Rotation = Rotation,
            Time = time ?? TimeProvider.System,
            Random = new Random(),
            Note = Notes.Add,
            Restarts = restarts ?? new RestartPolicy(),
        });
        _supervisors.Add(supervisor);
        return supervisor;
    }

    internal async Task<string> AskAsync(string instance)
    {
        using var client = new HttpClient();
        return await client.GetStringAsync($"http://{Rotation.EndPoints[instance]}/", Generous);
    }
}

/// <summary>Writes down what it is told; a drain can be held.</summary>
internal sealed class Rotation : IRotation
{
    private readonly Signals _seen = new();
    private TaskCompletionSource? _held;

    public ConcurrentQueue<string> Events { get; } = [];

    public ConcurrentDictionary<string, EndPoint> EndPoints { get; } = [];

    public void Add(string service, string instance, EndPoint endPoint)
    {
        EndPoints[instance] = endPoint;
        Say("+" + instance);
    }

    public async Task<bool> DrainAsync(string service, string instance, TimeSpan limit, CancellationToken cancel)
    {
        Say("~" + instance);
        if (_held is { } held)
        {
            await held.Task.WaitAsync(limit, cancel);
        }

        return true;
    }

    public void Remove(string service, string instance) => Say("-" + instance);

    public void HoldDrain() => _held = new TaskCompletionSource();

    public void ReleaseDrain() => _held!.SetResult();

    public Task SeenAsync(string text, int times) => _seen.WaitAsync(() => Events.Count(one => one == text) >= times);

    private void Say(string text)
    {
        Events.Enqueue(text);
        _seen.Raise();
    }
}

internal sealed class Notes
{
    private readonly Signals _seen = new();

    public ConcurrentQueue<string> All { get; } = [];

    public void Add(string note)
    {
        All.Enqueue(note);
        _seen.Raise();
    }

    public Task SeenAsync(Func<string, bool> what) => _seen.WaitAsync(() => All.Any(what));
}

internal sealed class Signals
{
    private volatile TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Raise() => Interlocked.Exchange(ref _next, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();

    public async Task WaitAsync(Func<bool> condition)
    {
        while (true)
        {
            var next = _next.Task;
            if (condition())
            {
                return;
            }

            await next.WaitAsync(TimeSpan.FromSeconds(60));
        }
    }
}
