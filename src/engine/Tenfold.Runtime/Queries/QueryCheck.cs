using Npgsql;
using Tenfold.Guide;
using Tenfold.Runtime.Packages;
using Tenfold.Runtime.Schema;
using Tenfold.Runtime.State;
using Tenfold.Runtime.Stores;

namespace Tenfold.Runtime.Queries;

/// <summary>What was found of a query that the guide lists.</summary>
/// <param name="Path">Where it stands: <c>stores.main.queries[2]</c>.</param>
/// <param name="Query">In words.</param>
/// <param name="ServedBy">Indexes each of which serves it.</param>
/// <param name="Problem">Why it has no index, and what would help; null when it has.</param>
public sealed record QueryFinding(string Path, string Query, IReadOnlyList<string> ServedBy, string? Problem);

/// <summary>Verifies that the queries which a guide lists have their indexes.</summary>
public static class QueryCheck
{
    /// <summary>
    /// Applies each store's schema to a PostgreSQL that is made for this and thrown away, and asks it. Takes some seconds; nothing
    /// of the system is touched.
    /// </summary>
    /// <param name="guide">The system.</param>
    /// <param name="running">The databases of the system when it is up: they must have the indexes, too. Empty when it is down.</param>
    /// <param name="time">Clock.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="RuntimeException">PostgreSQL is not here (it is not installed for this), cannot be started, or refuses the schema.</exception>
    /// <exception cref="NpgsqlException">A database cannot be asked.</exception>
    public static async Task<IReadOnlyList<QueryFinding>> RunAsync(SystemGuide guide, IReadOnlyList<DatabaseAccess> running, TimeProvider time, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(guide);
        ArgumentNullException.ThrowIfNull(running);
        var stores = guide.Stores.Where(store => store.Value.Queries.Count > 0).ToDictionary(store => store.Key, store => store.Value, StringComparer.Ordinal);
        if (stores.Count == 0)
        {
            return [];
        }

        if (!await new ServerPackages(static _ => { }, time).HasPostgresAsync(cancel))
        {
            throw new RuntimeException(RuntimeFailure.Machine, $"the indexes of the queries are not verified: PostgreSQL is not on this machine; run: {InstallPlan.Command("postgresql")}");
        }

        // One server of each, as small as can be.
        var small = guide with
        {
            Services = new Dictionary<string, Service>(),
            Stores = stores.ToDictionary(store => store.Key, store => new Store { Engine = StoreEngine.Postgres, Schema = store.Value.Schema, Memory = ByteSize.FromMebibytes(16) }, StringComparer.Ordinal),
        };
        var state = SystemState.At(Path.Combine(Path.GetTempPath(), $"tenfold-check-{Guid.NewGuid():N}"[..24]), guide.System);
        try
        {
            await using var set = await StoreSet.StartAsync(small, state, new StoreOptions { Durable = false, Time = time }, cancel);
            var findings = new List<QueryFinding>();
            foreach (var database in set.Databases())
            {
                var store = stores[database.Store];
                await Migrations.ApplyAsync(database.ConnectionString, Path.Combine(guide.Folder, store.Schema!), static _ => { }, cancel);
                await using var connection = new NpgsqlConnection(database.AdminConnectionString + ";Pooling=false");
                await connection.OpenAsync(cancel);
                var look = new ShapeLook(connection);
                for (var i = 0; i < store.Queries.Count; i++)
                {
                    var (served, problem) = await look.AtAsync(store.Queries[i], cancel);
                    findings.Add(new QueryFinding($"stores.{database.Store}.queries[{i}]", store.Queries[i].ToString(), served, problem));
                }
            }

            return await WithRunningAsync(findings, running, cancel);
        }
        finally
        {
            state.Delete();
        }
    }

    // An index may be there in the schema's files, and gone or half-made (CREATE INDEX CONCURRENTLY) in a database that is used.
    private static async Task<IReadOnlyList<QueryFinding>> WithRunningAsync(List<QueryFinding> findings, IReadOnlyList<DatabaseAccess> running, CancellationToken cancel)
    {
        foreach (var database in running)
        {
            await using var connection = new NpgsqlConnection(database.AdminConnectionString + ";Pooling=false");
            await connection.OpenAsync(cancel);
            for (var i = 0; i < findings.Count; i++)
            {
                var finding = findings[i];
                if (finding.Problem is not null || !finding.Path.StartsWith($"stores.{database.Store}.", StringComparison.Ordinal))
                {
                    continue;
                }

                await using var command = new NpgsqlCommand(
                    "SELECT coalesce(bool_or(indisvalid), false) FROM unnest($1::text[]) name JOIN pg_index ON indexrelid = to_regclass(name)", connection) { Parameters = { new() { Value = finding.ServedBy.ToArray() } } };
                if (await command.ExecuteScalarAsync(cancel) is not true)
                {
                    findings[i] = finding with { Problem = $"{string.Join(", ", finding.ServedBy)} would serve it, but is missing or not valid in {database.Name} of the running {connection.Database}: make it anew (DROP INDEX, then CREATE INDEX CONCURRENTLY)" };
                }
            }
        }

        return findings;
    }
}
