using System.Text;
using Npgsql;

namespace Tenfold.Runtime.Schema;

/// <summary>Applies a system's numbered SQL files, each once, in order, in a transaction with its row in the ledger.</summary>
/// <remarks>The ledger is the table <c>public.tenfold_schema</c> of the database itself, so that it comes and goes with the data.</remarks>
public static class Migrations
{
    /// <summary>Applies what is not applied yet. Two hosts may call it at once: one waits for the other.</summary>
    /// <param name="connectionString">Npgsql's key-values; the role must be able to create tables.</param>
    /// <param name="folder">Folder of files such as <c>001-products.sql</c>.</param>
    /// <param name="report">Gets a line for each file.</param>
    /// <param name="cancel">Stops between and in files; a file is applied whole or not at all.</param>
    /// <returns>The names of the files that were applied now.</returns>
    /// <exception cref="RuntimeException">
    /// <see cref="RuntimeFailure.Guide"/>: a file's name, number or content is wrong, an applied one was changed or is missing,
    /// or the server refused a statement (then with file, line, column and the server's message).
    /// <see cref="RuntimeFailure.Failed"/>: the database cannot be reached.
    /// </exception>
    public static async Task<IReadOnlyList<string>> ApplyAsync(string connectionString, string folder, Action<string> report, CancellationToken cancel)
    {
        var files = MigrationFiles.Read(folder);
        try
        {
            await using var connection = await LedgerLock.OpenAsync(connectionString, LedgerLock.Schema, report, cancel);
            var applied = await ReadLedgerAsync(connection, cancel);
            if (Differences(files, applied, folder) is { Count: > 0 } differences)
            {
                throw new RuntimeException(RuntimeFailure.Guide, string.Join('\n', differences));
            }

            var done = new List<string>();
            foreach (var file in files.Where(file => !applied.Exists(row => row.Number == file.Number)))
            {
                report($"schema: applying {file.Name}");
                await ApplyAsync(connection, file, cancel);
                done.Add(file.Name);
            }

            return done;
        }
        catch (NpgsqlException e)
        {
            throw new RuntimeException(RuntimeFailure.Failed, $"the schema in {folder} cannot be applied: {e.Message}", e);
        }
    }

    /// <summary>What no longer fits between the files and what was applied from them.</summary>
    internal static IReadOnlyList<string> Differences(IReadOnlyList<MigrationFile> files, IReadOnlyList<AppliedFile> applied, string folder)
    {
        var problems = new List<string>();
        foreach (var row in applied)
        {
            var file = files.FirstOrDefault(file => file.Number == row.Number);
            if (file is null)
            {
                problems.Add($"{Path.Combine(folder, row.Name)}: was applied but is not there any more; put it back (what it made is undone by a new file)");
            }
            else if (file.Checksum != row.Checksum)
            {
                problems.Add($"{file.Path}: was changed after it was applied; undo the change and put it into a new file {files[^1].Number + 1:000}-….sql (checksum then {row.Checksum[..12]}…, now {file.Checksum[..12]}…)");
            }
            else if (file.Name != row.Name)
            {
                problems.Add($"{file.Path}: was applied under the name {row.Name}; rename it back");
            }
        }

        return problems;
    }

    private static async Task<List<AppliedFile>> ReadLedgerAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await RunAsync(connection, "SET client_min_messages = warning", cancel);
        await RunAsync(
            connection,
            """
            CREATE TABLE IF NOT EXISTS public.tenfold_schema (
                number     integer PRIMARY KEY,
                name       text NOT NULL,
                checksum   text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now())
            """,
            cancel);
        await using var command = new NpgsqlCommand("SELECT number, name, checksum FROM public.tenfold_schema ORDER BY number", connection);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var rows = new List<AppliedFile>();
        while (await reader.ReadAsync(cancel))
        {
            rows.Add(new AppliedFile(reader.GetInt32(0), reader.GetString(1), reader.GetString(2)));
        }

        return rows;
    }

    private static async Task ApplyAsync(NpgsqlConnection connection, MigrationFile file, CancellationToken cancel)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        foreach (var statement in file.Statements)
        {
            try
            {
                await RunAsync(connection, statement.HasAtomicBody ? Wrapped(statement.Text) : statement.Text, cancel);
            }
            catch (PostgresException e)
            {
                throw Refused(file, statement, e);
            }
        }

        try
        {
            await using var command = new NpgsqlCommand("INSERT INTO public.tenfold_schema (number, name, checksum) VALUES ($1, $2, $3)", connection)
            {
                Parameters = { new() { Value = file.Number }, new() { Value = file.Name }, new() { Value = file.Checksum } },
            };
            await command.ExecuteNonQueryAsync(cancel);
            await transaction.CommitAsync(cancel);
        }
        catch (PostgresException e)
        {
            // A deferred constraint speaks at the commit.
            throw Refused(file, file.Statements[^1], e);
        }

        // What a file has SET must not reach the next one.
        await RunAsync(connection, "RESET ALL", cancel);
        await RunAsync(connection, "RESET ROLE", cancel);
    }

    /// <summary>Npgsql would take the semicolons of a <c>BEGIN ATOMIC</c> body for ends of statements; it leaves quoted text alone.</summary>
    private static string Wrapped(string sql)
    {
        var tag = "$tenfold$";
        while (sql.Contains(tag[..^1], StringComparison.Ordinal))
        {
            tag = $"{tag[..^1]}_$";
        }

        var outer = $"{tag[..^1]}_do$";
        return $"DO {outer} BEGIN EXECUTE {tag}{sql}{tag}; END {outer}";
    }

    private static RuntimeException Refused(MigrationFile file, SqlStatement statement, PostgresException e)
    {
        var (line, column) = MigrationFiles.PlaceOf(file.Sql, statement.Start + CharacterOf(statement.Text, statement.HasAtomicBody ? e.InternalPosition : e.Position));
        var message = new StringBuilder($"{file.Path}:{line}:{column}: {e.MessageText} ({e.SqlState})");
        foreach (var (label, text) in (ReadOnlySpan<(string, string?)>)[("detail", e.Detail), ("hint", e.Hint), ("where", e.Where)])
        {
            if (!string.IsNullOrEmpty(text))
            {
                message.Append("\n  ").Append(label).Append(": ").Append(text);
            }
        }

        message.Append("\n  ").Append(file.Sql.Split('\n')[line - 1].Trim());
        message.Append("\n  nothing of this file was applied");
        return new RuntimeException(RuntimeFailure.Guide, message.ToString(), e);
    }

    /// <summary>The server counts code points from 1 (0: not known), .NET counts UTF-16 units.</summary>
    private static int CharacterOf(string text, int position)
    {
        var at = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (--position <= 0)
            {
                break;
            }

            at += rune.Utf16SequenceLength;
        }

        return at;
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancel);
    }
}

/// <summary>A row of the ledger.</summary>
internal sealed record AppliedFile(int Number, string Name, string Checksum);
