using Commons.Http;
using Rez.Categories;
using Rez.Listing;
using Rez.Search;
using Tenfold.AspNetCore;
using Tenfold.Postgres;

namespace Rez.Products;

/// <summary><c>GET /api/products/search?q=</c>: by page or by cursor, narrowed by filters, with facets when they are asked for.</summary>
internal sealed class SearchProducts(PostgresStore database, ProductSearch search, CategoryLookup categories)
{
    internal static readonly IReadOnlyDictionary<string, bool> Switch = new Dictionary<string, bool>(StringComparer.Ordinal) { ["true"] = true, ["false"] = false };

    public async Task HandleAsync(HttpContext context)
    {
        var parameters = new QueryParameters(context);
        var request = new SearchRequest(SearchText.Read(parameters), parameters.Number("limit", 20, 1, 100));
        var facets = parameters.Choice("facets", ifAbsent: false, Switch);
        request = request with { Filter = await SearchFilter.ReadAsync(parameters, categories, context.Caller(), context.RequestAborted) };
        request = request.ReadPart(parameters);
        if (!await parameters.AnswerErrorsAsync(context))
        {
            return;
        }

        using var reply = new Reply();
        await database.ReadAsync(context.Caller(), (search, reply, request, facets), static async (connection, wanted, cancel) =>
        {
            var (search, reply, request, facets) = wanted;
            reply.Rewind(0);
            reply.Add("{\"success\":true,\"data\":["u8);
            var found = await search.FindAsync(connection, reply, request, cancel);
            var page = request.After is null ? (request.Offset / request.Limit) + 1 : 0;
            ListReply.AddPagination(reply, new Paging(page, request.Limit, null), found.More, request.After is null ? found.Total : null, found.Next?.ToString());
            reply.Rewind(reply.Length - 1); // back over the last brace of the envelope
            if (facets)
            {
                reply.Add(","u8);
                await SearchFacets.AddAsync(connection, reply, found.Query, request.Filter, cancel);
            }

            if (found.Corrected is not null)
            {
                reply.Add(",\"correctedQuery\":"u8).AddString(found.Corrected);
            }

            reply.Add("}"u8);
            return true;
        }, context.RequestAborted);
        await reply.SendAsync(context);
    }
}
