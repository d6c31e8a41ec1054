using System.Text;
using Npgsql;

namespace Rez.Listing;

/// <summary>
/// One list: table, sort, filters. Makes the SQL of the part that is wanted. Only filters that are given stand in the text, and
/// the limit stands in it as a number, so that PostgreSQL's plan for the prepared text fits every value of its parameters.
/// </summary>
internal sealed class ListQuery(string table, SortOrder sort)
{
    /// <summary>Totals that no counter keeps are counted up to here.</summary>
    public const int CountUpTo = 1000;

    private readonly List<string> _conditions = [];
    private readonly List<int> _values = [];

    public SortOrder Sort => sort;

    /// <summary>SQL of the exact total, where a counter keeps it. May use the parameters of the filters.</summary>
    public string? Counter { get; set; }

    public ListQuery Where(string condition)
    {
        _conditions.Add(condition);
        return this;
    }

    /// <summary>A condition up to its parameter: <c>Where("price_cents &gt;=", 100)</c>.</summary>
    public ListQuery Where(string condition, int value)
    {
        _values.Add(value);
        return Where($"{condition} ${_values.Count}");
    }

    /// <summary>FNV-1a of table, sort and filters: the same in every process, unlike <see cref="HashCode"/>.</summary>
    public uint Hash()
    {
        var hash = 2166136261;
        Mix(table);
        Mix(sort.Name);
        foreach (var condition in _conditions)
        {
            Mix(condition);
        }

        foreach (var value in _values)
        {
            Mix(value.ToString());
        }

        return hash;

        void Mix(string text)
        {
            foreach (var c in text)
            {
                hash = (hash ^ c) * 16777619;
            }

            hash = (hash ^ '|') * 16777619;
        }
    }

    /// <summary>Columns: total (null after a cursor), keys, id, json. One row more than the limit.</summary>
    public NpgsqlCommand Rows(NpgsqlConnection connection, Paging paging)
    {
        var command = connection.CreateCommand();
        AddValues(command);
        var sql = new StringBuilder(400)
            .Append("SELECT ").Append(paging.After is null ? TotalSql() : "NULL::bigint").Append(", ").Append(sort.Columns).Append(", json FROM ").Append(table);
        AddConditions(sql);
        if (paging.After is { } after)
        {
            var first = _values.Count + 1;
            sql.Append(_conditions.Count > 0 ? " AND (" : " WHERE (").Append(sort.Columns).Append(sort.Descending ? ") < (" : ") > (")
                .AppendJoin(", ", Enumerable.Range(first, sort.Keys.Length + 1).Select(n => "$" + n)).Append(')');
            command.Parameters.Add(sort.Keys[0].Parameter(after.First));
            if (sort.Keys.Length == 2)
            {
                command.Parameters.Add(sort.Keys[1].Parameter(after.Second));
            }

            command.Parameters.Add(sort.Id.Parameter(after.Id));
        }

        sql.Append(" ORDER BY ").Append(sort.OrderBy).Append(" LIMIT ").Append(paging.Limit + 1);
        if (paging is { After: null, Offset: > 0 })
        {
            sql.Append(" OFFSET $").Append(_values.Count + 1);
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = paging.Offset });
        }

        command.CommandText = sql.ToString();
        return command;
    }

    /// <summary>The total alone: for a page beyond the end, which has no row to carry it.</summary>
    public NpgsqlCommand Count(NpgsqlConnection connection)
    {
        var command = new NpgsqlCommand("SELECT " + TotalSql(), connection);
        AddValues(command);
        return command;
    }

    private string TotalSql()
    {
        if (Counter is not null)
        {
            return $"({Counter})::bigint";
        }

        var sql = new StringBuilder("(SELECT count(*) FROM (SELECT 1 FROM ").Append(table);
        AddConditions(sql);
        return sql.Append(" LIMIT ").Append(CountUpTo).Append(") counted)").ToString();
    }

    private void AddConditions(StringBuilder sql)
    {
        if (_conditions.Count > 0)
        {
            sql.Append(" WHERE ").AppendJoin(" AND ", _conditions);
        }
    }

    private void AddValues(NpgsqlCommand command)
    {
        foreach (var value in _values)
        {
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = value });
        }
    }
}
