namespace Tenfold.Runtime.Schema;

/// <summary>What may not stand in a migration: it runs in one transaction, together with its row in the ledger.</summary>
internal static class MigrationRules
{
    /// <summary>Why the statement is refused, or null.</summary>
    public static string? Refusal(SqlStatement statement)
    {
        var words = statement.Words;
        if (statement.Text.StartsWith('\\'))
        {
            return $"'{FirstLine(statement.Text)}' is a command of psql, not SQL; write it as SQL";
        }

        return words switch
        {
            ["BEGIN" or "COMMIT" or "ROLLBACK" or "END" or "ABORT" or "SAVEPOINT" or "RELEASE", ..]
                or ["START", "TRANSACTION", ..] or ["PREPARE", "TRANSACTION", ..] =>
                $"{words[0]} is not allowed: each file runs in one transaction of its own; split the file where the transaction should end",
            ["CREATE", "INDEX", "CONCURRENTLY", ..] or ["CREATE", "UNIQUE", "INDEX", "CONCURRENTLY", ..] or ["DROP", "INDEX", "CONCURRENTLY", ..] or ["REINDEX", ..] when words.Contains("CONCURRENTLY") =>
                $"{words[0]} INDEX CONCURRENTLY cannot run in a transaction, and each file is one; leave CONCURRENTLY out (the table takes no writes meanwhile) or run it by hand",
            ["VACUUM", ..] or ["ALTER", "SYSTEM", ..] or ["CREATE" or "DROP", "DATABASE" or "TABLESPACE", ..] or ["REINDEX", "DATABASE" or "SYSTEM", ..] or ["DISCARD", "ALL", ..] =>
                $"{string.Join(' ', words.Take(2))} cannot run in a transaction, and each file is one; run it by hand",
            ["COPY", ..] when words.Contains("STDIN") || words.Contains("STDOUT") =>
                "COPY FROM STDIN gets its rows from a client, and a migration has none; use INSERT, or load data with the service's seed",
            _ => null,
        };
    }

    private static string FirstLine(string text) => text.Split('\n')[0].TrimEnd();
}
