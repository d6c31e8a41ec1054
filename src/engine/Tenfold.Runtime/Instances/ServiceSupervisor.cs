using System.Net;

namespace Tenfold.Runtime.Instances;

/// <summary>The instances of one service: started, scaled, replaced one by one, stopped. One operation at a time. Thread-safe.</summary>
public sealed class ServiceSupervisor : IAsyncDisposable
{
    private readonly ServiceRun _run;
    private readonly Lock _lock = new();
    private readonly List<Instance> _instances = [];
    private readonly CancellationTokenSource _ending = new();
    private string? _operation;

    public ServiceSupervisor(ServiceRun run)
    {
        _run = run;
        var said = 0;
        _run = run with
        {
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
    public int Max => _run.Service.Scale.Most;

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
        await Task.WhenAll(Enumerable.Range(0, Min).Select(_ => Add().WaitReadyAsync(token)));
    }, cancel);

    /// <summary>Replaces the instances one by one: a new one is ready before an old one leaves.</summary>
    /// <param name="only">Name of the one instance to replace; null for all.</param>
    /// <param name="report">Told each step.</param>
    /// <param name="cancel">Stops between two steps.</param>
    /// <exception cref="RuntimeException">A new one does not become ready (the old ones go on), or another operation is under way.</exception>
    public Task RestartAsync(string? only, Action<string> report, CancellationToken cancel) => OneAtATimeAsync("restart", async token =>
    {
        foreach (var old in Instances.Where(instance => only is null || instance.Name == only))
        {
            var fresh = Add();
            try
            {
                await fresh.WaitReadyAsync(token);
            }
            catch
            {
                await RemoveAsync(fresh);
                throw;
            }

            report($"{fresh.Name} is ready");
            await RemoveAsync(old);
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
            var now = Instances;
            if (count >= now.Count)
            {
                await Task.WhenAll(Enumerable.Range(0, count - now.Count).Select(async _ =>
                {
                    var fresh = Add();
                    await fresh.WaitReadyAsync(token);
                    report($"{fresh.Name} is ready");
                }));
                return;
            }

            // First those that carry nothing, then the youngest.
            var surplus = now.OrderBy(instance => instance.Status.State == InstanceState.Ready).ThenByDescending(instance => instance.Number).Take(now.Count - count);
            await Task.WhenAll(surplus.Select(async instance =>
            {
                await RemoveAsync(instance);
                report($"{instance.Name} has left");
            }));
        }, cancel);
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
            stopping = [.. _instances.Select(instance => instance.StopAsync(hurry))];
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

    private async Task RemoveAsync(Instance instance)
    {
        await instance.StopAsync(CancellationToken.None);
        lock (_lock)
        {
            _instances.Remove(instance);
        }
    }

    private HashSet<int> TakenPorts() => [.. Instances.Select(instance => instance.Status.EndPoint).OfType<IPEndPoint>().Select(ip => ip.Port)];

    private async Task OneAtATimeAsync(string operation, Func<CancellationToken, Task> run, CancellationToken cancel)
    {
        if (Interlocked.CompareExchange(ref _operation, operation, null) is { } underWay)
        {
            throw new RuntimeException(RuntimeFailure.Failed, $"{Name}: a {underWay} is under way; wait until it is done, then {operation} again");
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
            Interlocked.Exchange(ref _operation, null);
        }
    }
}
