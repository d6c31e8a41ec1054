using System.Diagnostics.Metrics;
using System.Text;
using Tenfold.AspNetCore.Metrics;

namespace Tenfold.AspNetCore.Tests.Metrics;

[Collection(ProcessWide.Meters)]
public sealed class MeterTextTests
{
    [Fact]
    public void Meters_of_the_kit_are_written_in_prometheus_text_and_others_are_not()
    {
        using var text = new MeterText();
        using var one = new Meter("Tenfold.Test");
        using var two = new Meter("Tenfold.Test");
        using var stranger = new Meter("Somebody.Else");
        one.CreateObservableCounter("tenfold.test.sent", () => new Measurement<long>(3, KeyValuePair.Create<string, object?>("to.whom", "a\"b")), "By", "Bytes\nsent");
        two.CreateObservableCounter("tenfold.test.sent", () => new Measurement<long>(4, KeyValuePair.Create<string, object?>("to.whom", "a\"b")), "By", "Bytes\nsent");
        one.CreateObservableGauge("tenfold.test.age", () => 7.5, "s");
        two.CreateObservableGauge("tenfold.test.age", () => 1.5, "s"); // the newest
        stranger.CreateObservableGauge("somebody.else", () => 1);

        var written = new StringBuilder();
        text.Write(written);
        var again = new StringBuilder();
        text.Write(again);

        Assert.Contains(
            """
            # HELP tenfold_test_age_seconds tenfold.test.age
            # TYPE tenfold_test_age_seconds gauge
            tenfold_test_age_seconds 1.5
            # HELP tenfold_test_sent_bytes_total Bytes sent
            # TYPE tenfold_test_sent_bytes_total counter
            tenfold_test_sent_bytes_total{to_whom="a\"b"} 7

            """,
            written.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("somebody", written.ToString(), StringComparison.Ordinal);
        Assert.Contains("tenfold_test_sent_bytes_total{to_whom=\"a\\\"b\"} 7", again.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connections_of_Npgsql_s_pools_are_written_by_pool_and_state()
    {
        await using var source = new Npgsql.NpgsqlDataSourceBuilder("Host=/nowhere") { Name = "counted" }.Build();
        using var text = new MeterText();
        var written = new StringBuilder();
        text.Write(written);
        var lines = written.ToString().Split('\n').Where(line => line.StartsWith("db_client_connection_count{", StringComparison.Ordinal) && line.Contains("\"counted\"", StringComparison.Ordinal)).ToList();
        Assert.Equal(2, lines.Count);
        Assert.All(lines, line => Assert.EndsWith("} 0", line, StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("\"idle\"", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("\"used\"", StringComparison.Ordinal));
    }
}
