using Microsoft.Extensions.Logging;
using Npgsql;

namespace Tenfold.Postgres.SlowQueries;

/// <summary>Once a minute: logs what was slow, with its plan.</summary>
internal sealed class SlowQueryReports(PostgresStore store, SlowQueryLog slow, long scanRows, bool analyze, TimeProvider time, ILogger logger) : IAsyncDisposable
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
                "Store {Store}: slow query, {Count} of {Calls} times over {Limit} ms, p95 of all {P95} ms, {Total} ms in all that were over: {Query} Plan: {Plan}",
                store.Name, query.Count, query.Calls, slow.LimitMilliseconds, query.P95Milliseconds, query.TotalMilliseconds, query.Text, plan);
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
            var plan = await AnalyzedAsync(connection, query, cancel) ?? await QueryPlan.AskAsync(connection, query.Sample, cancel);
            var advice = await plan.AdviseAsync(connection, scanRows, cancel);
            return string.Join(' ', [plan.Text + ".", .. advice]);
        }
        catch (Exception e) when (e is NpgsqlException or PostgresStoreException or System.Text.Json.JsonException)
        {
            return $"not to be had: {e.Message}";
        }
    }

    // Null where it is not to be run again, or cannot be: a write, or a value whose type is not told by itself.
    private async Task<QueryPlan?> AnalyzedAsync(NpgsqlConnection connection, SlowQuery query, CancellationToken cancel)
    {
        if (!analyze || query.Values is null || query.Sample.Contains(';', StringComparison.Ordinal))
        {
            return null;
        }

        try
        {
            return await QueryPlan.AnalyzeAsync(connection, query.Sample, query.Values, cancel);
        }
        catch (Exception e) when (e is PostgresException or InvalidCastException or NotSupportedException)
        {
            return null;
        }
    }
}
