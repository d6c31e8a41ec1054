using Tenfold.Cli.Output;
using Tenfold.Runtime.Control;
using Tenfold.Runtime.Scaling;
using Tenfold.Scaling;

namespace Tenfold.Cli.Tests.Output;

public sealed class StatusRowsTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_status_is_a_table_with_units()
    {
        var status = new SystemStatus
        {
            System = "rez",
            State = "up",
            Since = Now.AddMinutes(-3),
            StateFolder = "/state/rez",
            Gateway = new GatewayStatus { Url = "http://localhost:8080", RequestsPerSecond = 812.4, P95Milliseconds = 12.34, ErrorRate = 0.0005 },
            Services =
            [
                new ServiceStatus
                {
                    Name = "api",
                    Min = 2,
                    Max = 4,
                    Wanted = 2,
                    Ready = 1,
                    Scaling = new ScalingStatus
                    {
                        Limit = ScalingLimit.Max,
                        Now = "cpu at 95% of 70%: wants 5, max 4",
                        Change = new ScalingDecision(7, Now.AddSeconds(-12), "api", 1, 2, 2, ScalingLimit.None, "cpu at 91% of 70%: wants 2"),
                    },
                    Instances =
                    [
                        new InstanceReport { Name = "api-1", Ready = true, State = "ready", RequestsPerSecond = 812.4, P95Milliseconds = 12.34, Cpu = 0.4217, MemoryBytes = 90 << 20, Since = Now.AddSeconds(-75) },
                        new InstanceReport { Name = "api-2", Ready = false, State = "crash-loop", Restarts = 7, Note = "exited with code 1\nand more" },
                    ],
                },
            ],
            Stores = [new StoreReport { Name = "main", Engine = "postgres", Ready = true, State = "ready", Cpu = 1.2, MemoryBytes = 3L << 30 }],
        };
        using var text = new StringWriter();
        StatusRows.Write(status, Now, text);
        Assert.Equal(
            """
            rez is up for 3m  http://localhost:8080  812/s, p95 12.3 ms, errors 0.05%
            SERVICE   INSTANCE  STATE       RATE   P95      CPU    MEMORY   RESTARTS  AGE     NOTE
            api       api-1     ready       812/s  12.3 ms  422m   90 MiB   0         1m 15s
            api       api-2     crash-loop  -      -        -      -        7         -       exited with code 1
            postgres  main      ready       -      -        1200m  3.0 GiB  0         -
            api: 2 wanted, 1 ready, 2 to 4; 1 → 2 12 s ago: cpu at 91% of 70%: wants 2; now: cpu at 95% of 70%: wants 5, max 4

            """,
            text.ToString());
    }

    [Fact]
    public void Servers_of_a_store_show_their_role_and_lag()
    {
        var one = new StoreReport { Name = "main", Store = "main", Engine = "postgres", Ready = true, State = "ready", Role = "primary" };
        var status = new SystemStatus
        {
            System = "rez",
            State = "up",
            StateFolder = "/x",
            Stores =
            [
                one,
                one with { Name = "main.1", Role = "replica", Streams = true, Synchronous = true, LagBytes = 16 << 20, LagMilliseconds = 40.2 },
                one with { Name = "main.2", Role = "replica", Streams = false, Synchronous = false },
                one with { Name = "main.3", Role = "replica", Ready = false, State = "starting", Note = "being copied from main" },
                one with { Name = "main_1", Database = 1 },
            ],
        };
        Assert.Equal(
            ["primary", "synchronous replica, 16 MiB behind (40.2 ms)", "replica, not fed by its primary", "being copied from main", ""],
            StatusRows.Of(status, Now).Select(row => row.Cells[^1]));
    }

    [Theory]
    [InlineData(0.85, "850 ms")]
    [InlineData(4.24, "4.2 s")]
    [InlineData(42, "42 s")]
    [InlineData(200, "3m 20s")]
    [InlineData(18_180, "5h 3m")]
    [InlineData(187_200, "2d 4h")]
    public void Durations_read_well(double seconds, string text) => Assert.Equal(text, Units.Duration(TimeSpan.FromSeconds(seconds)));
}
