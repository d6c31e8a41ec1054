using Commons.Data;
using Npgsql;

namespace Rez.Seed;

/// <summary>
/// Tables that a load fills from nothing: without their indexes and foreign keys, which are made again at its end. What must come back
/// is written down first, so that whoever is killed half-way leaves a database that the next load repairs.
/// </summary>
/// <param name="part">Name of the load in <c>seed_state</c>.</param>
/// <param name="tables">Of the load; what refers to them is emptied, too.</param>
internal sealed class LoadedTables(string part, string[] tables)
{
    /// <summary>How far the load is; null when it was never begun.</summary>
    public async Task<(string State, int Products)?> StateAsync(NpgsqlConnection connection, CancellationToken cancel) =>
        await Sql.ListAsync(Sql.Command(connection, "SELECT state, products FROM seed_state WHERE part = $1", part), row => (row.GetString(0), row.GetInt32(1)), cancel) is [var state] ? state : null;

    /// <summary>Which of the tables has rows; null when none has.</summary>
    public async Task<string?> FilledAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        foreach (var table in tables)
        {
            if ((await Sql.ListAsync(Sql.Command(connection, $"SELECT EXISTS (SELECT FROM {table})"), row => row.GetBoolean(0), cancel))[0])
            {
                return table;
            }
        }

        return null;
    }

    /// <summary>Empties the tables and takes indexes, foreign keys and unique constraints off. Not the primary keys: rows come in their order, or nearly.</summary>
    /// <returns>The statements that bring back what was taken.</returns>
    public async Task<string[]> BeginAsync(NpgsqlConnection connection, int products, CancellationToken cancel)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        // Killed half-way: what was written down then still holds.
        await Sql.ExecuteAsync(
            Sql.Command(
                connection,
                """
                INSERT INTO seed_state (part, state, products, rebuild)
                SELECT $1, 'loading', $2, coalesce(array_agg(statement), '{}') FROM (
                    SELECT pg_get_indexdef(indexrelid) FROM pg_index
                    WHERE indrelid = ANY ($3::regclass[]) AND NOT indisprimary AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
                    UNION ALL
                    SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
                    WHERE conrelid = ANY ($3::regclass[]) AND contype IN ('f', 'u')) later (statement)
                ON CONFLICT (part) DO UPDATE SET products = excluded.products, state = 'loading',
                    rebuild = CASE WHEN seed_state.state = 'loading' THEN seed_state.rebuild ELSE excluded.rebuild END
                """,
                part,
                products,
                tables),
            cancel);
        await Sql.ExecuteAsync(
            Sql.Command(
                connection,
                $"""
                TRUNCATE {string.Join(", ", tables)} CASCADE;
                DO $$
                DECLARE name text; owner text;
                BEGIN
                    FOR owner, name IN SELECT conrelid::regclass, conname FROM pg_constraint WHERE conrelid = ANY ('{Array()}'::regclass[]) AND contype IN ('f', 'u')
                    LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', owner, name); END LOOP;
                    FOR name IN SELECT indexrelid::regclass FROM pg_index WHERE indrelid = ANY ('{Array()}'::regclass[]) AND NOT indisprimary
                    LOOP EXECUTE 'DROP INDEX ' || name; END LOOP;
                END $$
                """),
            cancel);
        var rebuild = await Sql.ListAsync(Sql.Command(connection, "SELECT rebuild FROM seed_state WHERE part = $1", part), row => row.GetFieldValue<string[]>(0), cancel);
        await transaction.CommitAsync(cancel);
        return rebuild[0];

        string Array() => "{" + string.Join(",", tables) + "}";
    }

    /// <summary>Brings indexes and keys back, and makes statistics: two things at a time.</summary>
    /// <param name="open">A connection, for as long as one statement.</param>
    /// <param name="statements">What <see cref="BeginAsync"/> has returned.</param>
    /// <param name="cancel">Gives it up.</param>
    public async Task RebuildAsync(Func<CancellationToken, ValueTask<NpgsqlConnection>> open, string[] statements, CancellationToken cancel)
    {
        // The long ones (gin) first, so that both workers end at about the same time; keys when all indexes are there.
        var indexes = statements.Where(statement => statement.StartsWith("CREATE", StringComparison.Ordinal))
            .OrderByDescending(statement => statement.Contains("USING gin", StringComparison.Ordinal)).ToArray();
        await RunAsync(indexes);
        await RunAsync([.. statements.Except(indexes, StringComparer.Ordinal).OrderBy(statement => statement.Contains("FOREIGN KEY", StringComparison.Ordinal))]);
        await RunAsync([.. tables.Select(table => $"VACUUM ANALYZE {table}")]);

        Task RunAsync(string[] some) => Parallel.ForEachAsync(some, new ParallelOptions { MaxDegreeOfParallelism = SeedCommand.Workers, CancellationToken = cancel }, async (statement, token) =>
        {
            await using var worker = await open(token);
            await using var command = new NpgsqlCommand(statement, worker) { CommandTimeout = 0 };
            await command.ExecuteNonQueryAsync(token);
        });
    }

    /// <summary>The load is whole.</summary>
    public Task<int> EndAsync(NpgsqlConnection connection, CancellationToken cancel) =>
        Sql.ExecuteAsync(Sql.Command(connection, "UPDATE seed_state SET state = 'done' WHERE part = $1", part), cancel);
}
