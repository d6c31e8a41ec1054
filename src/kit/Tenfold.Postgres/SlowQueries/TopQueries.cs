using Npgsql;
using Tenfold.Postgres.Routing;

namespace Tenfold.Postgres.SlowQueries;

/// <summary>What the servers of a store have spent on one query, all parameters alike.</summary>
/// <param name="Text">As PostgreSQL keeps it, with <c>$1</c> and so on for literals, too; without comments, at most 2,000 characters.</param>
/// <param name="Calls">How often it ran.</param>
/// <param name="TotalMilliseconds">Time in all.</param>
/// <param name="MeanMilliseconds">Time of one.</param>
/// <param name="MaxMilliseconds">Time of the longest.</param>
/// <param name="Rows">Rows that came back, or were written.</param>
/// <param name="PrimaryCalls">How many of the calls a primary ran.</param>
/// <param name="Lacks">Large tables that it reads whole, each with the index that would serve.</param>
public sealed record TopQuery(string Text, long Calls, double TotalMilliseconds, double MeanMilliseconds, double MaxMilliseconds, long Rows, long PrimaryCalls, IReadOnlyList<string> Lacks);

/// <summary>The queries of a store.</summary>
/// <param name="Since">When the first of its servers began to count.</param>
/// <param name="Servers">How many were asked.</param>
/// <param name="TotalMilliseconds">What they have spent on all queries.</param>
/// <param name="Queries">Those with the most time in all.</param>
/// <param name="Failures">Servers that could not be asked, and why.</param>
public sealed record TopQueriesReport(DateTimeOffset? Since, int Servers, double TotalMilliseconds, IReadOnlyList<TopQuery> Queries, IReadOnlyList<string> Failures);

/// <summary>Where a store's time goes: pg_stat_statements of all its servers, summed up.</summary>
public static class TopQueries
{
    private const int MostRead = 500; // a server

    /// <summary>Asks every server. The view is looked for in the database <c>postgres</c>; a role sees what ran under its own name.</summary>
    /// <param name="databases">Npgsql's key-values of each database of the store, with all of its servers.</param>
    /// <param name="top">How many queries.</param>
    /// <param name="scanRows">A table of more rows than this should not be read whole.</param>
    /// <param name="cancel">Ends it.</param>
    public static async Task<TopQueriesReport> ReadAsync(IReadOnlyList<string> databases, int top, long scanRows, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(databases);
        var (found, failures, since, servers, total) = (new List<Found>(), new List<string>(), (DateTime?)null, 0, 0.0);
        foreach (var server in databases.SelectMany(HostList.Split))
        {
            try
            {
                var (read, began, spent) = await ReadAsync(server, cancel);
                found.AddRange(read);
                (since, servers, total) = (since < began ? since : began, servers + 1, total + spent);
            }
            catch (NpgsqlException e)
            {
                failures.Add($"{server.Host}:{server.Port}: {Reason(e)}");
            }
        }

        var queries = found
            .GroupBy(one => one.Text, StringComparer.Ordinal)
            .Select(same => new TopQuery(
                same.Key, same.Sum(one => one.Calls), same.Sum(one => one.Total), same.Sum(one => one.Total) / Math.Max(1, same.Sum(one => one.Calls)), same.Max(one => one.Max),
                same.Sum(one => one.Rows), same.Where(one => one.IsPrimary).Sum(one => one.Calls), []))
            .OrderByDescending(query => query.TotalMilliseconds)
            .Take(top)
            .ToList();
        for (var i = 0; i < queries.Count; i++)
        {
            var at = found.First(one => one.Text == queries[i].Text);
            queries[i] = queries[i] with { Lacks = await LacksAsync(at, scanRows, cancel) };
        }

        return new TopQueriesReport(since, servers, total, queries, failures);
    }

    private static async Task<(List<Found> Queries, DateTime Since, double Total)> ReadAsync(NpgsqlConnectionStringBuilder server, CancellationToken cancel)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(server.ConnectionString) { Database = "postgres", Pooling = false, Timeout = 5, ApplicationName = "tenfold queries" }.ConnectionString);
        await connection.OpenAsync(cancel);
        await using var command = new NpgsqlCommand(
            """
            SELECT query, calls, total_exec_time, max_exec_time, rows, NOT pg_is_in_recovery(), (SELECT stats_reset FROM pg_stat_statements_info), sum(total_exec_time) OVER ()
            FROM pg_stat_statements
            WHERE toplevel AND userid = current_user::regrole AND dbid = (SELECT oid FROM pg_database WHERE datname = $1)
            ORDER BY total_exec_time DESC LIMIT $2
            """,
            connection) { Parameters = { new() { Value = server.Database }, new() { Value = MostRead } } };
        await using var rows = await command.ExecuteReaderAsync(cancel);
        var (found, since, total) = (new List<Found>(), DateTime.MaxValue, 0.0);
        while (await rows.ReadAsync(cancel))
        {
            found.Add(new Found(QueryText.Normalize(rows.GetString(0)), rows.GetString(0), rows.GetInt64(1), rows.GetDouble(2), rows.GetDouble(3), rows.GetInt64(4), rows.GetBoolean(5), server));
            (since, total) = (rows.GetDateTime(6), rows.GetDouble(7));
        }

        return (found, since, total);
    }

    // Not for what cannot be planned without its values, nor for what is not a query (SET, a function's call, a cursor).
    private static async Task<IReadOnlyList<string>> LacksAsync(Found query, long scanRows, CancellationToken cancel)
    {
        try
        {
            await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(query.Server.ConnectionString) { Pooling = false, Timeout = 5 }.ConnectionString);
            await connection.OpenAsync(cancel);
            return await (await QueryPlan.AskAsync(connection, query.Sql, cancel)).AdviseAsync(connection, scanRows, cancel);
        }
        catch (Exception e) when (e is NpgsqlException or System.Text.Json.JsonException)
        {
            return [];
        }
    }

    private static string Reason(NpgsqlException e) => e switch
    {
        PostgresException { SqlState: PostgresErrorCodes.UndefinedTable } => "it does not count queries: pg_stat_statements is not there (Debian has it in postgresql-contrib, or with the server); install it and start the system again",
        PostgresException { SqlState: PostgresErrorCodes.ObjectNotInPrerequisiteState } => "it does not count queries: it was started without pg_stat_statements in shared_preload_libraries; start the system again",
        _ => e.Message,
    };

    private sealed record Found(string Text, string Sql, long Calls, double Total, double Max, long Rows, bool IsPrimary, NpgsqlConnectionStringBuilder Server);
}
