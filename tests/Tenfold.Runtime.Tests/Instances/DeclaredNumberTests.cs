using Tenfold.Guide;
using Tenfold.Runtime.Instances;
using Tenfold.Runtime.Processes;

namespace Tenfold.Runtime.Tests.Instances;

/// <summary>The number of instances is said, not carried out step by step.</summary>
public sealed class DeclaredNumberTests : SupervisedTests
{
    [Fact]
    public async Task Some_start_while_others_drain()
    {
        var api = Supervise(new Service { Scale = new Scale { Min = 2, Max = 5 } });
        await api.StartAsync(Generous);
        Rotation.HoldDrain();
        Assert.True(api.TrySetWanted(1));
        await Rotation.SeenAsync("~api-2", times: 1);
        Assert.True(api.TrySetWanted(3));
        Assert.Equal(3, api.Wanted);
        await Rotation.SeenAsync("+api-3", times: 1);
        await Rotation.SeenAsync("+api-4", times: 1);
        Assert.Equal(["api-2"], api.Instances.Where(api.IsLeaving).Select(instance => instance.Name)); // it still drains
        Rotation.ReleaseDrain();
        await Rotation.SeenAsync("-api-2", times: 1);
        Assert.DoesNotContain("~api-1", Rotation.Events);
        Assert.NotNull(api.StartTimes.P90);
    }

    [Fact]
    public async Task One_that_is_never_ready_blocks_nothing_and_is_the_first_to_leave()
    {
        var api = Flip("fine", new Service { Scale = new Scale { Min = 1, Max = 5 } });
        await api.StartAsync(Generous);
        Folder.Write("mode", "ill");
        Assert.True(api.TrySetWanted(2));
        await UntilAsync(() => api.Instances is [_, { Status.Note: "it answered 503" }]);
        Assert.True(api.TrySetWanted(1));
        await Rotation.SeenAsync("-api-2", times: 1);
        Assert.DoesNotContain("~api-1", Rotation.Events);
        Assert.Equal("api-1", await AskAsync("api-1"));
    }

    [Fact]
    public async Task Others_start_beside_one_in_a_crash_loop_and_it_comes_back_when_it_can()
    {
        var api = Flip("fine", new Service { Scale = new Scale { Min = 1, Max = 5 } }, new RestartPolicy { First = TimeSpan.FromMilliseconds(5), Longest = TimeSpan.FromMilliseconds(50) });
        await api.StartAsync(Generous);
        Folder.Write("mode", "crash");
        Assert.True(api.TrySetWanted(2));
        await Notes.SeenAsync(note => note.StartsWith("api-2 is in a crash loop", StringComparison.Ordinal));
        Folder.Write("mode", "fine");
        Assert.True(api.TrySetWanted(3));
        await Rotation.SeenAsync("+api-3", times: 1);
        await Rotation.SeenAsync("+api-2", times: 1);
        Assert.Equal(3, api.Instances.Count);
    }

    [Fact]
    public async Task Nothing_changes_while_a_restart_is_under_way()
    {
        var api = Supervise(new Service { Scale = new Scale { Min = 1, Max = 5 } });
        await api.StartAsync(Generous);
        Rotation.HoldDrain();
        var restart = api.RestartAsync(null, _ => { }, Generous);
        Assert.Equal("restart", api.Operation);
        Assert.False(api.TrySetWanted(4));
        Assert.Equal(1, api.Wanted);
        Rotation.ReleaseDrain();
        await restart;
        Assert.True(api.TrySetWanted(2));
        await Rotation.SeenAsync("+api-1", times: 2); // api-2 took the place of the first api-1
    }

    [Fact]
    public async Task None_is_a_number_too()
    {
        var api = Supervise(new Service { Scale = new Scale { Min = 0, Max = 2 } });
        await api.StartAsync(Generous);
        Assert.Empty(api.Instances);
        Assert.True(api.TrySetWanted(1));
        await Rotation.SeenAsync("+api-1", times: 1);
        Assert.True(api.TrySetWanted(0));
        await UntilAsync(() => api.Instances.Count == 0);
        await api.StopAsync(default);
        Assert.False(api.TrySetWanted(1)); // it is stopped
    }

    private ServiceSupervisor Flip(string mode, Service service, RestartPolicy? restarts = null)
    {
        Folder.Write("mode", mode);
        Folder.Write("flip.js", "process.env.MODE = require('fs').readFileSync('mode', 'utf8'); require('./server.js');");
        return Supervise(service, restarts, ["node", "flip.js"]);
    }

    internal static async Task UntilAsync(Func<bool> condition)
    {
        var limit = Generous;
        while (!condition())
        {
            await Task.Delay(20, limit);
        }
    }
}
