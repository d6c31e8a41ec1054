using NpgsqlTypes;
using Commons.Http;
using Rez.Listing;
using Tenfold.Postgres;

namespace Rez.Categories;

/// <summary><c>GET /api/categories</c>: departments and their categories; <c>parent=ID</c> lists one department's, <c>level=department</c> the departments.</summary>
internal sealed class ListCategories(PostgresStore database)
{
    private static readonly SortOrder ById = new("id", false, new SortKey("id", NpgsqlDbType.Bigint), new SortKey("id", NpgsqlDbType.Integer));

    private static readonly Dictionary<string, string?> Levels = new(StringComparer.Ordinal)
    {
        ["all"] = null,
        ["department"] = "parent_id IS NULL",
        ["category"] = "parent_id IS NOT NULL",
    };

    public async Task HandleAsync(HttpContext context)
    {
        var parameters = new QueryParameters(context);
        var level = parameters.Choice("level", null, Levels);
        var parent = parameters.OptionalNumber("parent", 1, int.MaxValue);
        var query = new ListQuery("categories", ById);
        if (level is not null)
        {
            query.Where(level);
        }

        if (parent is { } id)
        {
            query.Where("parent_id =", id);
        }

        query.Counter = level is null && parent is null ? "SELECT category_count FROM catalogue" : null;
        await ListReply.AnswerAsync(context, database, query, parameters, limit: 50, most: 500);
    }
}

/// <summary><c>GET /api/categories/{id}</c>.</summary>
internal sealed class GetCategory(PostgresStore database)
{
    public Task HandleAsync(HttpContext context) =>
        ItemReply.AnswerAsync(context, database, "SELECT json FROM categories WHERE id = $1", "category");
}
