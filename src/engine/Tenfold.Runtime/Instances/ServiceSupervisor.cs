using System.Net;

namespace Tenfold.Runtime.Instances;

/// <summary>
/// The instances of one service. Their number is declared (<see cref="TrySetWanted"/>): some may start while others drain. Beside that,
/// one operation at a time: start, restart, scale. Thread-safe.
/// </summary>
public sealed class ServiceSupervisor : IAsyncDisposable
{
    private readonly ServiceRun _run;
    private readonly Lock _lock = new();
    private readonly List<Instance> _instances = []; // the oldest first
    private readonly Dictionary<Instance, Task> _leaving = [];
    private readonly CancellationTokenSource _ending = new();
    private string? _operation;
    private int _wanted;

    public ServiceSupervisor(ServiceRun run)
    {
        _run = run;
        var said = 0;
        _run = run with
        {
            Started = took =>
            {
                StartTimes.Add(took);
                run.Started(took);
            },
            Unlimited = reason =>
            {
                if (Interlocked.Exchange(ref said, 1) == 0)
                {
                    run.Note($"{run.Name} runs without CPU and memory limits: {reason}");
                }
            },
        };
    }

    /// <summary>The service's name.</summary>
    public string Name => _run.Name;

    /// <summary>Fewest instances.</summary>
    public int Min => _run.Service.Scale.Min;

    /// <summary>Most instances.</summary>
    public int Max => _run.Service.Scale.Peak;

    /// <summary>Instances that it is to have: those that leave are not among them.</summary>
    public int Wanted
    {
        get
        {
            lock (_lock)
            {
                return _wanted;
            }
        }
    }

    /// <summary>How a command of the service is started now.</summary>
    public ServiceLaunch Launch => new()
    {
        Program = _run.Service.Project is null ? [] : _run.Command,
        WorkingDirectory = _run.WorkingDirectory,
        Environment = _run.Environment(),
    };

    /// <summary>What an instance may use.</summary>
    public Guide.InstanceSize Size => _run.Service.Instance;

    /// <summary>How long its instances took to start.</summary>
    public StartTimes StartTimes { get; } = new();

    /// <summary>What is done to it by hand now; null: nothing.</summary>
    public string? Operation
    {
        get
        {
            lock (_lock)
            {
                return _operation;
            }
        }
    }

    /// <summary>Its instances now, by number, those that are leaving included.</summary>
    public IReadOnlyList<Instance> Instances
    {
        get
        {
            lock (_lock)
            {
                return [.. _instances.OrderBy(instance => instance.Number)];
            }
        }
    }

    /// <summary>Starts the fewest instances and returns when all are ready.</summary>
    /// <exception cref="RuntimeException">One does not become ready; those that run go on.</exception>
    public Task StartAsync(CancellationToken cancel) => OneAtATimeAsync("start", async token =>
    {
        var (added, _) = Adjust(Min);
        await Task.WhenAll(added.Select(fresh => fresh.WaitReadyAsync(token)));
    }, cancel);

    /// <summary>Replaces the instances one by one: a new one is ready before an old one leaves.</summary>
    /// <param name="only">Name of the one instance to replace; null for all.</param>
    /// <param name="report">Told each step.</param>
    /// <param name="cancel">Stops between two steps.</param>
    /// <exception cref="RuntimeException">A new one does not become ready (the old ones go on), or another operation is under way.</exception>
    public Task RestartAsync(string? only, Action<string> report, CancellationToken cancel) => OneAtATimeAsync("restart", async token =>
    {
        foreach (var old in Instances.Where(instance => (only is null || instance.Name == only) && !IsLeaving(instance)))
        {
            var fresh = Add();
            try
            {
                await fresh.WaitReadyAsync(token);
            }
            catch
            {
                await Remove(fresh);
                throw;
            }

            report($"{fresh.Name} is ready");
            await Remove(old);
            report($"{old.Name} has left");
        }
    }, cancel);

    /// <summary>Changes the number of instances; returns when new ones are ready and surplus ones have drained and left.</summary>
    /// <exception cref="RuntimeException">The number is out of the guide's bounds, a new one does not become ready (it is kept and tried on), or another operation is under way.</exception>
    public Task ScaleAsync(int count, Action<string> report, CancellationToken cancel)
    {
        if (count < Min || count > Max)
        {
            throw new RuntimeException(RuntimeFailure.Guide, $"{Name} cannot have {count} instances: the guide says services.{Name}.scale min {Min}, max {Max}");
        }

        return OneAtATimeAsync("scale", async token =>
        {
            var (added, leaving) = Adjust(count);
            await Task.WhenAll(
            [
                .. added.Select(async fresh =>
                {
                    await fresh.WaitReadyAsync(token);
                    report($"{fresh.Name} is ready");
                }),
                .. leaving.Select(async left =>
                {
                    await left.Gone;
                    report($"{left.Instance.Name} has left");
                }),
            ]);
        }, cancel);
    }

    /// <summary>Says how many instances it is to have, and returns at once: new ones get requests when they are ready, surplus ones drain.</summary>
    /// <returns>False, and nothing is changed, while an operation is under way.</returns>
    public bool TrySetWanted(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        lock (_lock)
        {
            if (_operation is not null || _ending.IsCancellationRequested)
            {
                return false;
            }

            Adjust(count);
            return true;
        }
    }

    /// <summary>Whether it drains, or has, and is not one of those that are wanted.</summary>
    public bool IsLeaving(Instance instance)
    {
        lock (_lock)
        {
            return _leaving.ContainsKey(instance);
        }
    }

    /// <summary>Stops all instances, drained, all at the same time; an operation that is under way is given up.</summary>
    /// <param name="hurry">When cancelled, they are killed at once.</param>
    public async Task StopAsync(CancellationToken hurry)
    {
        await _ending.CancelAsync();
        Task[] stopping;
        lock (_lock)
        {
            // After this, Add refuses: nothing is started behind our back.
            stopping = [.. _instances.Select(instance => instance.StopAsync(hurry)), .. _leaving.Values];
        }

        await Task.WhenAll(stopping);
    }

    /// <summary>Kills what still runs.</summary>
    public async ValueTask DisposeAsync() => await StopAsync(new CancellationToken(canceled: true));

    private Instance Add()
    {
        lock (_lock)
        {
            _ending.Token.ThrowIfCancellationRequested();
            var number = Enumerable.Range(1, _instances.Count + 1).First(n => _instances.TrueForAll(instance => instance.Number != n));
            var fresh = new Instance(_run, number, TakenPorts);
            _instances.Add(fresh);
            return fresh;
        }
    }

    /// <summary>Starts what is missing and has leave what is too many: first those that carry nothing, then the youngest.</summary>
    private (IReadOnlyList<Instance> Added, IReadOnlyList<(Instance Instance, Task Gone)> Leaving) Adjust(int count)
    {
        lock (_lock)
        {
            _ending.Token.ThrowIfCancellationRequested();
            _wanted = count;
            var staying = _instances.Where(instance => !_leaving.ContainsKey(instance)).Reverse().ToList();
            Instance[] added = [.. Enumerable.Range(0, Math.Max(0, count - staying.Count)).Select(_ => Add())];
            var surplus = staying.OrderBy(instance => instance.Status.State == InstanceState.Ready).Take(staying.Count - count);
            return (added, [.. surplus.Select(instance => (instance, Remove(instance)))]);
        }
    }

    private Task Remove(Instance instance)
    {
        lock (_lock)
        {
            return _leaving.GetValueOrDefault(instance) ?? (_leaving[instance] = Task.Run(LeaveAsync));
        }

        async Task LeaveAsync()
        {
            try
            {
                await instance.StopAsync(CancellationToken.None);
            }
            finally
            {
                lock (_lock)
                {
                    _instances.Remove(instance);
                    _leaving.Remove(instance);
                }
            }
        }
    }

    private HashSet<int> TakenPorts() => [.. Instances.Select(instance => instance.Status.EndPoint).OfType<IPEndPoint>().Select(ip => ip.Port)];

    private async Task OneAtATimeAsync(string operation, Func<CancellationToken, Task> run, CancellationToken cancel)
    {
        lock (_lock)
        {
            if (_operation is not null)
            {
                throw new RuntimeException(RuntimeFailure.Failed, $"{Name}: a {_operation} is under way; wait until it is done, then {operation} again");
            }

            _operation = operation;
        }

        try
        {
            using var both = CancellationTokenSource.CreateLinkedTokenSource(cancel, _ending.Token);
            await run(both.Token);
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            throw new RuntimeException(RuntimeFailure.Failed, $"{Name}: the {operation} was given up, the system is stopping");
        }
        finally
        {
            lock (_lock)
            {
                _operation = null;
            }
        }
    }
}
