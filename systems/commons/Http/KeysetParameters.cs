using System.Globalization;
using Commons.OpenApi;

namespace Commons.Http;

/// <summary>Lists of rows with ShardIds, the newest first: the cursor is the last row's id.</summary>
public static class KeysetParameters
{
    public static Parameter Limit => CommonParameters.Limit;

    public static Parameter Cursor { get; } = new("cursor", typeof(string), "pagination.nextCursor of the page before; same filters. A walk meets every row once that was there when it began.");

    /// <summary>The id below which the page begins; the largest there is when no cursor is given.</summary>
    public static long Before(QueryParameters parameters) => Id(parameters, "cursor") ?? long.MaxValue;

    /// <summary>An id, or null when it is not given or wrong.</summary>
    public static long? Id(QueryParameters parameters, string name)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        if (parameters.Text(name, 20) is not { } text)
        {
            return null;
        }

        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id > 0)
        {
            return id;
        }

        parameters.Wrong(name, $"is '{text}'; it must be an id");
        return null;
    }
}
