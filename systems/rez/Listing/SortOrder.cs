using Npgsql;
using NpgsqlTypes;

namespace Rez.Listing;

/// <summary>A sort key: its column, and its type for the comparison with a cursor.</summary>
internal readonly record struct SortKey(string Column, NpgsqlDbType Type)
{
    // A cursor comes from a client: whatever it holds must be a value of the column's type.
    public NpgsqlParameter Parameter(long value) => Type switch
    {
        // Microseconds since 2000, up to the year 2126.
        NpgsqlDbType.TimestampTz => new NpgsqlParameter<long> { TypedValue = Math.Clamp(value, 0, 4_000_000_000_000_000), NpgsqlDbType = Type },
        NpgsqlDbType.Smallint => new NpgsqlParameter<short> { TypedValue = unchecked((short)value), NpgsqlDbType = Type },
        NpgsqlDbType.Integer => new NpgsqlParameter<int> { TypedValue = unchecked((int)value), NpgsqlDbType = Type },
        _ => new NpgsqlParameter<long> { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Bigint },
    };
}

/// <summary>A total order: one or two keys and the id, all in one direction, so that a row comparison finds what follows a cursor.</summary>
internal sealed record SortOrder(string Name, bool Descending, SortKey Id, params SortKey[] Keys)
{
    /// <summary><c>created_at DESC, id DESC</c>.</summary>
    public string OrderBy { get; } = string.Join(", ", Keys.Append(Id).Select(key => key.Column + (Descending ? " DESC" : "")));

    /// <summary><c>created_at, id</c>.</summary>
    public string Columns { get; } = string.Join(", ", Keys.Append(Id).Select(key => key.Column));
}
