using Npgsql;
using Commons.Http;
using Tenfold.AspNetCore;
using Tenfold.Postgres;

namespace Rez.Search;

/// <summary><c>GET /api/search?q=</c>: the best products, stores and categories in one answer.</summary>
internal sealed class SearchEverything(PostgresStore database, ProductSearch products)
{
    private const int MostOthers = 5;

    public async Task HandleAsync(HttpContext context)
    {
        var parameters = new QueryParameters(context);
        var text = SearchText.Read(parameters);
        var limit = parameters.Number("limit", 10, 1, 50);
        if (!await parameters.AnswerErrorsAsync(context))
        {
            return;
        }

        using var reply = new Reply();
        var found = await database.ReadAsync(context.Caller(), (products, reply, text, limit), static async (connection, wanted, cancel) =>
        {
            wanted.reply.Rewind(0);
            wanted.reply.Add("{\"success\":true,\"data\":{\"products\":["u8);
            var found = await wanted.products.FindAsync(connection, wanted.reply, new SearchRequest(wanted.text, wanted.limit), cancel);
            await AddOthersAsync(connection, wanted.reply, found.Guess, cancel);
            return found;
        }, context.RequestAborted);
        reply.Add("},\"totals\":{\"products\":"u8).Add(found.Total.Count).Add(",\"productsIsExact\":"u8).Add(found.Total.IsExact).Add("}"u8);
        if (found.Corrected is not null)
        {
            reply.Add(",\"correctedQuery\":"u8).AddString(found.Corrected);
        }

        await reply.Add("}"u8).SendAsync(context);
    }

    private static async Task AddOthersAsync(NpgsqlConnection connection, Reply reply, string query, CancellationToken cancel)
    {
        await using var batch = connection.CreateBatch();
        Add(batch, $"SELECT json FROM stores WHERE is_active AND search @@ $1::tsquery ORDER BY popularity DESC, id DESC LIMIT {MostOthers}", query);
        Add(batch, $"SELECT json FROM categories WHERE search @@ $1::tsquery ORDER BY parent_id NULLS FIRST, product_count DESC, id LIMIT {MostOthers}", query);
        await using var rows = await batch.ExecuteReaderAsync(cancel);
        reply.Add("],\"stores\":["u8);
        await AddRowsAsync(reply, rows, cancel);
        await rows.NextResultAsync(cancel);
        reply.Add("],\"categories\":["u8);
        await AddRowsAsync(reply, rows, cancel);
        reply.Add("]"u8);
    }

    private static async Task AddRowsAsync(Reply reply, NpgsqlDataReader rows, CancellationToken cancel)
    {
        for (var first = true; await rows.ReadAsync(cancel); first = false)
        {
            if (!first)
            {
                reply.Add(","u8);
            }

            reply.Add(rows, 0);
        }
    }

    private static void Add(NpgsqlBatch batch, string sql, string query)
    {
        var command = new NpgsqlBatchCommand(sql);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = query });
        batch.BatchCommands.Add(command);
    }
}
