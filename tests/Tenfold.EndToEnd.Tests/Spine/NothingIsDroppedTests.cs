using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Tenfold.EndToEnd.Tests.Support;

namespace Tenfold.EndToEnd.Tests.Spine;

/// <summary>While a load test runs, instances are killed, replaced and rescaled: no request may fail.</summary>
[Collection(nameof(RezFixture))]
public sealed class NothingIsDroppedTests(RezFixture fixture)
{
    private readonly RunningSystem _rez = fixture.Rez;

    [Fact]
    public async Task When_both_instances_are_killed_one_after_the_others_recovery()
    {
        var report = await _rez.LoadWhileAsync("steady", async () =>
        {
            var victims = (await _rez.ReadyAsync("api", 2)).Values.ToArray();
            await Signals.SendAsync("KILL", victims[0]);
            await _rez.ReadyAsync("api", 2, not: victims[0]);
            await Signals.SendAsync("KILL", victims[1]);
            await _rez.ReadyAsync("api", 2, not: victims);
        });

        NothingFailed(report);
    }

    [Fact]
    public async Task When_the_service_is_restarted()
    {
        var report = await _rez.LoadWhileAsync("steady", async () =>
        {
            var before = (await _rez.ReadyAsync("api", 2)).Values.ToArray();
            await _rez.Tenfold.SucceedAsync("restart", "rez", "api");
            await _rez.ReadyAsync("api", 2, not: before);
        });

        NothingFailed(report);
    }

    [Fact]
    public async Task When_the_service_is_scaled_to_four_and_back_to_two()
    {
        var report = await _rez.LoadWhileAsync("steady", async () =>
        {
            await _rez.Tenfold.SucceedAsync("scale", "rez", "api", "4");
            await _rez.ReadyAsync("api", 4);
            await _rez.Tenfold.SucceedAsync("scale", "rez", "api", "2");
            await _rez.ReadyAsync("api", 2);
        });

        NothingFailed(report);
    }

    /// <summary>All of the above, again and again: for ten minutes, or as many as TENFOLD_SOAK_MINUTES says.</summary>
    [Fact]
    [Trait("Suite", "soak")]
    public async Task Through_minutes_of_kills_restarts_and_scaling()
    {
        var time = TimeSpan.FromMinutes(int.TryParse(Environment.GetEnvironmentVariable("TENFOLD_SOAK_MINUTES"), CultureInfo.InvariantCulture, out var minutes) ? minutes : 10);
        var clock = Stopwatch.StartNew();
        var report = await _rez.LoadWhileAsync("steady", async () =>
        {
            while (clock.Elapsed < time)
            {
                var victim = (await _rez.ReadyAsync("api", 2)).First().Value;
                await Signals.SendAsync("KILL", victim);
                await _rez.ReadyAsync("api", 2, not: victim);
                await _rez.Tenfold.SucceedAsync("restart", "rez", "api");
                await _rez.Tenfold.SucceedAsync("scale", "rez", "api", "4");
                await _rez.Tenfold.SucceedAsync("scale", "rez", "api", "2");
            }
        });

        NothingFailed(report);
    }

    private static void NothingFailed(JsonObject report)
    {
        var total = report["total"]!;
        Assert.True(total["count"]!.GetValue<long>() > 100, $"hardly any request was sent: {report}");
        Assert.True(total["errors"]!.GetValue<long>() == 0, $"requests failed: {report}");
        // Every arrival was sent. How punctually is not asked here: what happens meanwhile takes the generator's processor too.
        Assert.Equal(0, report["schedule"]!["dropped"]!.GetValue<long>());
    }
}
