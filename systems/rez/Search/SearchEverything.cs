using Npgsql;
using Rez.Http;

namespace Rez.Search;

/// <summary><c>GET /api/search?q=</c>: the best products, stores and categories in one answer.</summary>
internal sealed class SearchEverything(NpgsqlDataSource database, ProductSearch products)
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
        reply.Add("{\"success\":true,\"data\":{\"products\":["u8);
        var found = await products.FindAsync(reply, text, 0, limit, context.RequestAborted);
        await AddOthersAsync(reply, found.Terms.Query, context.RequestAborted);
        reply.Add("},\"totals\":{\"products\":"u8).Add(found.Total.Count).Add(",\"productsIsExact\":"u8).Add(found.Total.IsExact).Add("}"u8);
        if (found.Corrected is not null)
        {
            reply.Add(",\"correctedQuery\":"u8).AddString(found.Corrected);
        }

        await reply.Add("}"u8).SendAsync(context);
    }

    private async Task AddOthersAsync(Reply reply, string query, CancellationToken cancel)
    {
        await using var batch = database.CreateBatch();
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
