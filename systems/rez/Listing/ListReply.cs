using Npgsql;
using Commons.Http;
using Tenfold.AspNetCore;
using Tenfold.Postgres;

namespace Rez.Listing;

/// <summary>A total that may have been counted only up to a limit.</summary>
internal readonly record struct Total(long Count, bool IsExact);

/// <summary>
/// Writes <c>{"success":true,"data":[…],"pagination":{…}}</c> from rows whose last column is the row's JSON. A query asks for
/// one row more than it shows: that one says that there are more.
/// </summary>
internal static class ListReply
{
    /// <summary>Answers with the part of the list that <c>page</c>, <c>limit</c> and <c>cursor</c> want, or with 400 when a parameter is wrong.</summary>
    public static async Task AnswerAsync(HttpContext context, PostgresStore database, ListQuery query, QueryParameters parameters, int limit = 20, int most = 100)
    {
        var paging = Paging.Read(parameters, query.Hash, limit, most);
        if (await parameters.AnswerErrorsAsync(context))
        {
            await AnswerAsync(context, database, query, paging);
        }
    }

    private static async Task AnswerAsync(HttpContext context, PostgresStore database, ListQuery query, Paging paging)
    {
        using var reply = new Reply();
        var (_, more, total, last) = await database.ReadAsync(context.Caller(), (reply, query, paging), ReadAsync, context.RequestAborted);
        Total? whole = total is { } known ? new Total(known, query.Counter is not null || known < ListQuery.CountUpTo) : null;
        AddPagination(reply, paging, more, whole, more ? (last with { Query = query.Hash() }).ToString() : null);
        await reply.SendAsync(context);
    }

    private static async ValueTask<(int Shown, bool More, long? Total, Cursor Last)> ReadAsync(NpgsqlConnection connection, (Reply Reply, ListQuery Query, Paging Paging) wanted, CancellationToken cancel)
    {
        var (reply, query, paging) = wanted;
        reply.Rewind(0);
        (int Shown, bool More, long? Total, Cursor Last) page;
        await using (var command = query.Rows(connection, paging))
        await using (var rows = await command.ExecuteReaderAsync(cancel))
        {
            page = await AddRowsAsync(reply, rows, paging.Limit, query.Sort.Keys.Length, cancel);
        }

        if (page.Shown == 0 && paging.After is null)
        {
            await using var count = query.Count(connection);
            page.Total = (long?)await count.ExecuteScalarAsync(cancel);
        }

        return page;
    }

    /// <summary>Appends the rows; returns how many were shown, whether there are more, and the last one's keys.</summary>
    /// <remarks>Columns are total, one or two keys (<paramref name="keys"/> says how many), id, json.</remarks>
    public static async Task<(int Shown, bool More, long? Total, Cursor Last)> AddRowsAsync(Reply reply, NpgsqlDataReader rows, int limit, int keys, CancellationToken cancel)
    {
        var shown = 0;
        long? total = null;
        Cursor last = default;
        reply.Add("{\"success\":true,\"data\":["u8);
        while (await rows.ReadAsync(cancel))
        {
            if (shown == limit)
            {
                return (shown, true, total, last);
            }

            if (shown == 0 && !rows.IsDBNull(0))
            {
                total = rows.GetFieldValue<long>(0);
            }

            if (shown == limit - 1)
            {
                last = new Cursor(0, rows.GetFieldValue<long>(1), keys == 2 ? rows.GetFieldValue<long>(2) : 0, rows.GetFieldValue<long>(keys + 1));
            }

            if (shown > 0)
            {
                reply.Add(","u8);
            }

            reply.Add(rows, keys + 2);
            shown++;
        }

        return (shown, false, total, last);
    }

    /// <summary>Appends the end: where this page stands (its number, unless it is 0) and how to go on.</summary>
    public static void AddPagination(Reply reply, Paging paging, bool more, Total? total, string? next)
    {
        reply.Add("],\"pagination\":{"u8);
        if (paging.Page > 0 && paging.After is null)
        {
            reply.Add("\"page\":"u8).Add(paging.Page).Add(","u8);
        }

        reply.Add("\"limit\":"u8).Add(paging.Limit);
        if (total is { } known)
        {
            reply.Add(",\"total\":"u8).Add(known.Count).Add(",\"totalIsExact\":"u8).Add(known.IsExact);
            if (known.IsExact)
            {
                reply.Add(",\"totalPages\":"u8).Add((known.Count + paging.Limit - 1) / paging.Limit);
            }
        }

        reply.Add(",\"hasMore\":"u8).Add(more);
        if (next is { } cursor)
        {
            Span<byte> text = stackalloc byte[64];
            System.Text.Encoding.ASCII.TryGetBytes(cursor, text, out var length);
            reply.Add(",\"nextCursor\":\""u8).Add(text[..length]).Add("\""u8);
        }

        reply.Add("}}"u8);
    }
}
