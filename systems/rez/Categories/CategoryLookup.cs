using System.Globalization;
using Npgsql;
using Commons.Http;
using Rez.Listing;
using Tenfold.Postgres;

namespace Rez.Categories;

/// <summary>Finds what <c>category=</c> means: a slug or an id, of a department (with all its categories) or of one category.</summary>
internal sealed class CategoryLookup(PostgresStore database)
{
    /// <summary>Adds the condition to the query, or an error to the parameters when there is no such category.</summary>
    public async Task FilterAsync(ListQuery query, string category, QueryParameters parameters, Caller caller, CancellationToken cancel)
    {
        if (await FindAsync(category, parameters, caller, cancel) is var (id, isDepartment))
        {
            query.Where(isDepartment ? "department_id =" : "category_id =", id);
        }
    }

    /// <summary>Which one it is, or null and an error in the parameters when there is none.</summary>
    public async Task<(int Id, bool IsDepartment)?> FindAsync(string category, QueryParameters parameters, Caller caller, CancellationToken cancel)
    {
        var byId = int.TryParse(category, NumberStyles.None, CultureInfo.InvariantCulture, out var id);
        await using var connection = await database.OpenReaderAsync(caller, cancel);
        await using var command = new NpgsqlCommand("SELECT id, parent_id IS NULL FROM categories WHERE " + (byId ? "id = $1" : "slug = $1"), connection);
        command.Parameters.Add(byId ? new NpgsqlParameter<int> { TypedValue = id } : new NpgsqlParameter<string> { TypedValue = category });
        await using var rows = await command.ExecuteReaderAsync(cancel);
        if (await rows.ReadAsync(cancel))
        {
            return (rows.GetInt32(0), rows.GetBoolean(1));
        }

        parameters.Wrong("category", $"is '{category}'; there is no such category, GET /api/categories lists them");
        return null;
    }
}
