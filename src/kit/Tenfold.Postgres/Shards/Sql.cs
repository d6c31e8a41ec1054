using Npgsql;
using NpgsqlTypes;

namespace Tenfold.Postgres.Shards;

/// <summary>Statements with positional parameters, in one line each.</summary>
internal static class Sql
{
    public static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancel, params object?[] parameters)
    {
        await using var command = Command(connection, sql, parameters);
        return await command.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>First column of the first row; the type's default when there is none or it is null.</summary>
    public static async Task<T?> ScalarAsync<T>(NpgsqlConnection connection, string sql, CancellationToken cancel, params object?[] parameters)
    {
        await using var command = Command(connection, sql, parameters);
        return await command.ExecuteScalarAsync(cancel) is T value ? value : default;
    }

    public static async Task<List<T>> ListAsync<T>(NpgsqlConnection connection, string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancel, params object?[] parameters)
    {
        await using var command = Command(connection, sql, parameters);
        await using var rows = await command.ExecuteReaderAsync(cancel);
        var list = new List<T>();
        while (await rows.ReadAsync(cancel))
        {
            list.Add(read(rows));
        }

        return list;
    }

    public static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params ReadOnlySpan<object?> parameters)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var value in parameters)
        {
            command.Parameters.Add(value is NpgsqlLogSequenceNumber
                ? new NpgsqlParameter { Value = value, NpgsqlDbType = NpgsqlDbType.PgLsn }
                : new NpgsqlParameter { Value = value ?? DBNull.Value });
        }

        return command;
    }

    /// <summary>A name of a table, column or database as it stands in SQL.</summary>
    public static string Name(string name) => '"' + name.Replace("\"", "\"\"", StringComparison.Ordinal) + '"';

    /// <summary>A text as it stands in SQL.</summary>
    public static string Text(string text) => '\'' + text.Replace("'", "''", StringComparison.Ordinal) + '\'';
}
