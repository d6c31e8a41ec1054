using Microsoft.Extensions.Logging;
using Npgsql;

namespace Tenfold.Postgres.SlowQueries;

/// <summary>Once a minute: logs what was slow, with its plan.</summary>
internal sealed class SlowQueryReports(PostgresStore store, SlowQueryLog slow, long scanRows, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    /// <summary>How often.</summary>
    public static readonly TimeSpan Every = TimeSpan.FromMinutes(1);

    // Plans a report: each is a few round trips.
    private const int MostPlans = 10;

    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    public void Start() => _running = RunAsync();

    /// <summary>Logs what was slow since the last time.</summary>
    public async Task ReportAsync(CancellationToken cancel)
    {
        var number = 0;
        foreach (var query in slow.Take())
        {
            var plan = number++ < MostPlans ? await PlanAsync(query, cancel) : "not asked for: there are more than ten slow queries";
            logger.LogWarning(
                "Store {Store}: slow query, {Count} times over {Limit} ms, p95 {P95} ms, {Total} ms in all: {Query} Plan: {Plan}",
                store.Name, query.Count, slow.LimitMilliseconds, query.P95Milliseconds, query.TotalMilliseconds, query.Text, plan);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(Every, time, _stop.Token);
                await ReportAsync(_stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // stopped
        }
    }

    private async Task<string> PlanAsync(SlowQuery query, CancellationToken cancel)
    {
        try
        {
            await using var connection = await store.OpenReaderAsync(null, cancel);
            var plan = await QueryPlan.AskAsync(connection, query.Sample, cancel);
            var advice = new List<string>();
            foreach (var scan in plan.Scans)
            {
                if (await RowsAsync(connection, scan.Table, cancel) is var rows && rows > scanRows)
                {
                    advice.Add($"Reads all {rows:#,0} rows of {scan.Table}{(scan.Filter.Length > 0 ? $" for {scan.Filter}" : "")}. {(QueryPlan.IndexFor(scan) is { } index ? $"This index would serve it: {index};" : "No single index would serve it.")}");
                }
            }

            return string.Join(' ', [plan.Text + ".", .. advice]);
        }
        catch (Exception e) when (e is NpgsqlException or PostgresStoreException or System.Text.Json.JsonException)
        {
            return $"not to be had: {e.Message}";
        }
    }

    // As of the last ANALYZE; -1 when there was none.
    private static async Task<long> RowsAsync(NpgsqlConnection connection, string table, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass($1)", connection) { Parameters = { new() { Value = table } } };
        return await command.ExecuteScalarAsync(cancel) as long? ?? -1;
    }
}
