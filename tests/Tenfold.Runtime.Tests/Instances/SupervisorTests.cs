using System.Collections.Concurrent;
using System.Net;
using Tenfold.Guide;
using Tenfold.Runtime.Instances;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Tests.Instances;

public sealed class SupervisorTests : SupervisedTests
{
    [Fact]
    public async Task It_starts_the_fewest_instances_with_the_environment_of_the_contract()
    {
        var api = Supervise(new Service { Scale = new Scale { Min = 2 } });
        await api.StartAsync(Generous);
        Assert.Equal(["+api-1", "+api-2"], Rotation.Events.Order());
        Assert.All(api.Instances, instance => Assert.Equal(InstanceState.Ready, instance.Status.State));
        Assert.Equal("api-1", await AskAsync("api-1"));
        await api.StopAsync(default);
        Assert.Contains("api-1 of api with Host=main", await File.ReadAllTextAsync(State.LogFile("api-1")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_instance_may_listen_on_a_socket()
    {
        var api = Supervise(new Service { Socket = true });
        await api.StartAsync(Generous);
        Assert.IsType<System.Net.Sockets.UnixDomainSocketEndPoint>(Rotation.EndPoints["api-1"]);
    }

    [Fact]
    public async Task A_killed_instance_is_replaced_at_once()
    {
        var api = Supervise(new Service { Scale = new Scale { Min = 2 } });
        await api.StartAsync(Generous);
        var pid = api.Instances[0].Status.Pid!.Value;
        Assert.True(ProcessIdentity.Of(pid)!.Signal(Signal.Kill));
        await Rotation.SeenAsync("+api-1", times: 2);
        Assert.NotEqual(pid, api.Instances[0].Status.Pid);
        Assert.Equal(1, api.Instances[0].Status.Restarts);
        Assert.Contains(Notes.All, note => note.StartsWith("api-1 was ended by SIGKILL", StringComparison.Ordinal) && note.EndsWith("it is started again now", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_crash_loop_is_reported_with_the_last_lines_and_tried_on()
    {
        var api = Supervise(new Service { Environment = Mode("crash") }, new RestartPolicy { First = TimeSpan.FromMilliseconds(5), Longest = TimeSpan.FromMilliseconds(20) });
        var error = await Assert.ThrowsAsync<RuntimeException>(() => api.StartAsync(Generous));
        Assert.Contains("crash loop", error.Message, StringComparison.Ordinal);
        Assert.Contains("no such table: products", error.Message, StringComparison.Ordinal);
        var restarts = api.Instances[0].Status.Restarts;
        await Notes.SeenAsync(note => note.Contains($"died {restarts + 2} times in a row", StringComparison.Ordinal) && note.Contains("exited with code 7", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_hung_instance_is_replaced_and_one_that_is_only_ill_is_not()
    {
        var quick = new Health { Interval = TimeSpan.FromMilliseconds(50), Timeout = TimeSpan.FromMilliseconds(200), Failures = 1 };
        var api = Supervise(new Service { Health = quick });
        await api.StartAsync(Generous);
        Assert.True(ProcessIdentity.Of(api.Instances[0].Status.Pid!.Value)!.Signal(Signal.Stop));
        await Rotation.SeenAsync("+api-1", times: 2);
        Assert.Contains(Notes.All, note => note.StartsWith("api-1 hung: 3 health checks in a row without an answer", StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_that_is_never_ready_fails_the_start_with_what_it_answered()
    {
        var api = Supervise(new Service { Environment = Mode("ill"), Health = new Health { Start = TimeSpan.FromSeconds(4) } });
        var error = await Assert.ThrowsAsync<RuntimeException>(() => api.StartAsync(Generous));
        Assert.Equal(RuntimeFailure.Failed, error.Failure);
        Assert.Contains("it answered 503", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_that_is_not_there_fails_the_start()
    {
        var api = Supervise(new Service(), command: ["no-such-program"]);
        var error = await Assert.ThrowsAsync<RuntimeException>(() => api.StartAsync(Generous));
        Assert.Contains("no-such-program", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_restart_has_the_new_one_ready_before_the_old_one_leaves()
    {
        var api = Supervise(new Service { Scale = new Scale { Min = 2 } });
        await api.StartAsync(Generous);
        var old = api.Instances.Select(instance => instance.Status.Pid).ToArray();
        Rotation.Events.Clear();
        await api.RestartAsync(null, _ => { }, Generous);
        Assert.Equal(["+api-3", "~api-1", "-api-1", "+api-1", "~api-2", "-api-2"], Rotation.Events);
        Assert.Equal(2, api.Instances.Count);
        Assert.DoesNotContain(api.Instances, instance => old.Contains(instance.Status.Pid));
    }

    [Fact]
    public async Task A_restart_whose_new_instance_fails_keeps_the_old_ones()
    {
        Folder.Write("mode", "fine");
        Folder.Write("flip.js", "process.env.MODE = require('fs').readFileSync('mode', 'utf8'); require('./server.js');");
        var api = Supervise(new Service(), new RestartPolicy { First = TimeSpan.FromMilliseconds(1) }, ["node", "flip.js"]);
        await api.StartAsync(Generous);
        Folder.Write("mode", "crash");
        await Assert.ThrowsAsync<RuntimeException>(() => api.RestartAsync(null, _ => { }, Generous));
        Assert.Equal("api-1", Assert.Single(api.Instances).Name);
        Assert.Equal("api-1", await AskAsync("api-1"));
    }

    [Fact]
    public async Task Scaling_keeps_the_bounds_and_drains_the_youngest()
    {
        var api = Supervise(new Service { Scale = new Scale { Min = 1, Max = 3 } });
        await api.StartAsync(Generous);
        var error = await Assert.ThrowsAsync<RuntimeException>(() => api.ScaleAsync(4, _ => { }, Generous));
        Assert.Equal("api cannot have 4 instances: the guide says services.api.scale min 1, max 3", error.Message);
        await api.ScaleAsync(3, _ => { }, Generous);
        Assert.Equal(3, api.Instances.Count(instance => instance.Status.State == InstanceState.Ready));
        Rotation.Events.Clear();
        await api.ScaleAsync(1, _ => { }, Generous);
        Assert.Equal(["-api-2", "-api-3", "~api-2", "~api-3"], Rotation.Events.Order(StringComparer.Ordinal));
        Assert.Equal("api-1", Assert.Single(api.Instances).Name);
    }

    [Fact]
    public async Task A_second_operation_at_the_same_time_is_refused()
    {
        var api = Supervise(new Service { Scale = new Scale { Min = 1, Max = 3 } });
        await api.StartAsync(Generous);
        Rotation.HoldDrain();
        var restart = api.RestartAsync(null, _ => { }, Generous);
        var error = await Assert.ThrowsAsync<RuntimeException>(() => api.ScaleAsync(2, _ => { }, Generous));
        Assert.Contains("a restart is under way", error.Message, StringComparison.Ordinal);
        Rotation.ReleaseDrain();
        await restart;
        await api.ScaleAsync(2, _ => { }, Generous);
    }

    [Fact]
    public async Task One_that_ignores_SIGTERM_is_killed_after_its_drain()
    {
        var api = Supervise(new Service { Environment = Mode("stubborn"), Drain = TimeSpan.FromMilliseconds(200) });
        await api.StartAsync(Generous);
        var pid = api.Instances[0].Status.Pid!.Value;
        await api.StopAsync(default);
        Assert.Null(ProcessIdentity.Of(pid));
        Assert.Contains("api-1 was ended by SIGKILL when it was stopped", Notes.All);
    }

    [Fact]
    public async Task In_a_hurry_nothing_is_waited_for()
    {
        var api = Supervise(new Service { Environment = Mode("stubborn"), Drain = TimeSpan.FromHours(1) });
        await api.StartAsync(Generous);
        Rotation.HoldDrain();
        using var hurry = new CancellationTokenSource();
        var stopping = api.StopAsync(hurry.Token);
        await hurry.CancelAsync();
        await stopping.WaitAsync(Generous);
        Assert.Equal(InstanceState.Stopped, api.Instances[0].Status.State);
    }
}
