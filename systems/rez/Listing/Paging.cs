using System.Runtime.InteropServices;
using Commons.Http;

namespace Rez.Listing;

/// <summary>Which part of a list is wanted: a page by number, or what follows a cursor.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Paging(int Page, int Limit, Cursor? After)
{
    /// <summary>Rows that paging by number may reach; a database walks over all the rows before a page, a cursor does not.</summary>
    public const int Deepest = 10_000;

    public int Offset => (Page - 1) * Limit;

    /// <summary>Reads <c>page</c>, <c>limit</c> and <c>cursor</c>. <paramref name="query"/> is the hash that the cursor must carry.</summary>
    public static Paging Read(QueryParameters parameters, Func<uint> query, int limit = 20, int most = 100, int deepest = Deepest)
    {
        var page = parameters.OptionalNumber("page", 1, int.MaxValue);
        var rows = parameters.Number("limit", limit, 1, most);
        var text = parameters.Text("cursor", 100);
        if ((long)(page ?? 1) * rows > deepest)
        {
            parameters.Wrong("page", $"ends at row {(long)(page ?? 1) * rows}; paging by number ends at row {deepest}: go on with 'cursor' (pagination.nextCursor), or narrow the filters");
        }

        if (text is null)
        {
            return new Paging(page ?? 1, rows, null);
        }

        if (page is not null)
        {
            parameters.Wrong("cursor", "and page exclude each other; give one of them");
        }

        if (!Cursor.TryParse(text, out var cursor))
        {
            parameters.Wrong("cursor", "is not one of this list; take it from pagination.nextCursor");
        }
        else if (cursor.Query != query())
        {
            parameters.Wrong("cursor", "belongs to a list with another sort or other filters; begin again without it");
        }

        return new Paging(1, rows, cursor);
    }
}
