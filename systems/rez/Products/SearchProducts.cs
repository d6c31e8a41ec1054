using Commons.Http;
using Rez.Listing;
using Rez.Search;
using Tenfold.AspNetCore;
using Tenfold.Postgres;

namespace Rez.Products;

/// <summary><c>GET /api/products/search?q=</c>.</summary>
internal sealed class SearchProducts(PostgresStore database, ProductSearch search)
{
    public async Task HandleAsync(HttpContext context)
    {
        var parameters = new QueryParameters(context);
        var text = SearchText.Read(parameters);
        var page = parameters.Number("page", 1, 1, ProductSearch.Most);
        var limit = parameters.Number("limit", 20, 1, 100);
        if (page * limit > ProductSearch.Most)
        {
            parameters.Wrong("page", $"ends at row {page * limit}; a search shows the first {ProductSearch.Most}: add words to it");
        }

        if (!await parameters.AnswerErrorsAsync(context))
        {
            return;
        }

        using var reply = new Reply();
        var found = await database.ReadAsync(context.Caller(), (search, reply, text, page, limit), static (connection, wanted, cancel) =>
        {
            var (search, reply, text, page, limit) = wanted;
            reply.Rewind(0);
            reply.Add("{\"success\":true,\"data\":["u8);
            return new ValueTask<SearchPage>(search.FindAsync(connection, reply, text, (page - 1) * limit, limit, cancel));
        }, context.RequestAborted);
        ListReply.AddPagination(reply, new Paging(page, limit, null), found.More, found.Total, null);
        if (found.Corrected is not null)
        {
            // Back over the last brace of the envelope.
            reply.Rewind(reply.Length - 1);
            reply.Add(",\"correctedQuery\":"u8).AddString(found.Corrected).Add("}"u8);
        }

        await reply.SendAsync(context);
    }
}
