using Npgsql;

namespace Commons.Data;

/// <summary>Commands with positional parameters, for tables that are not on the way of every request.</summary>
public static class Sql
{
    /// <summary>A command; null is NULL.</summary>
    public static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params ReadOnlySpan<object?> values)
    {
        var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value });
        }

        return command;
    }

    /// <summary>The same for a batch.</summary>
    public static NpgsqlBatchCommand InBatch(string sql, params ReadOnlySpan<object?> values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value });
        }

        return command;
    }

    /// <summary>Every row.</summary>
    public static async Task<List<T>> ListAsync<T>(NpgsqlCommand command, Func<NpgsqlDataReader, T> read, CancellationToken cancel)
    {
        await using (command)
        {
            await using var rows = await command.ExecuteReaderAsync(cancel);
            var list = new List<T>();
            while (await rows.ReadAsync(cancel))
            {
                list.Add(read(rows));
            }

            return list;
        }
    }

    /// <summary>The only row, or null.</summary>
    public static async Task<T?> OneAsync<T>(NpgsqlCommand command, Func<NpgsqlDataReader, T> read, CancellationToken cancel)
        where T : class => (await ListAsync(command, read, cancel)).SingleOrDefault();

    /// <summary>How many rows were changed.</summary>
    public static async Task<int> ExecuteAsync(NpgsqlCommand command, CancellationToken cancel)
    {
        await using (command)
        {
            return await command.ExecuteNonQueryAsync(cancel);
        }
    }
}
