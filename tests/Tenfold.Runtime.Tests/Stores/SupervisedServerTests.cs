using Tenfold.Guide;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.Stores;

namespace Tenfold.Runtime.Tests.Stores;

public sealed class SupervisedServerTests
{
    [Fact]
    public async Task A_server_that_cannot_even_be_started_again_is_a_crash_loop_that_says_why()
    {
        await using var temporary = new TemporaryState();
        var fake = new Fake();
        var time = new MovedClock();
        var policy = RestartPolicy.Store with { First = TimeSpan.FromMilliseconds(1), Longest = TimeSpan.FromMilliseconds(5) };
        await using var server = new SupervisedServer(fake, temporary.State, new StoreOptions { Time = time }, policy);
        await server.StartAsync(default);
        time.By = policy.RanWell; // it has run well
        fake.Broken = true;
        ProcessIdentity.Of(server.Status().Pid!.Value)!.Signal(Signal.Kill);

        await Limits.UntilAsync(() => server.Status().Phase == StorePhase.CrashLoop, "the crash loop to be noticed");
        Assert.Contains("cannot be started again: the disk is full", server.Status().Reason, StringComparison.Ordinal);
        fake.Broken = false;
        await Limits.UntilAsync(() => server.Status().IsReady, "the server to be ready again");
    }

    [Fact]
    public async Task One_that_fails_ends_the_start_of_the_others_at_once_and_is_the_one_that_is_named()
    {
        await using var temporary = new TemporaryState();
        await using var slow = new SupervisedServer(new Fake("slow", "exec sleep 1000"), temporary.State, new StoreOptions(), RestartPolicy.Store);
        await using var bad = new SupervisedServer(new Fake("bad", "echo broken; exit 3"), temporary.State, new StoreOptions(), RestartPolicy.Store);
        var failed = await Assert.ThrowsAsync<RuntimeException>(() => StoreSet.StartAllAsync([token => slow.StartAsync(token), token => bad.StartAsync(token)], default));
        Assert.StartsWith("store bad: the server ended with exit code 3", failed.Message, StringComparison.Ordinal);
    }

    private sealed class MovedClock : TimeProvider
    {
        public TimeSpan By { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + By;
    }

    private sealed class Fake(string name = "fake", string script = "echo ready; exec sleep 1000") : IStoreServer
    {
        public volatile bool Broken;

        public string Name => name;

        public StoreEngine Engine => StoreEngine.Redis;

        public int Port => 1;

        public void ChoosePort()
        {
        }

        public Task<ProcessSpec> BeforeStartAsync(CancellationToken cancel) => Broken
            ? throw new RuntimeException(RuntimeFailure.Machine, "the disk is full")
            : Task.FromResult(new ProcessSpec { Name = Name, FileName = "sh", Arguments = ["-c", script], WorkingDirectory = "/" });

        public bool SaysReady(string line) => line == "ready";

        public Task AfterStartAsync(CancellationToken cancel) => Task.CompletedTask;
    }
}
