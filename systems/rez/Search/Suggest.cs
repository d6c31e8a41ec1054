using Commons.Http;
using Tenfold.AspNetCore;
using Tenfold.Postgres;

namespace Rez.Search;

/// <summary><c>GET /api/search/suggestions?q=</c>.</summary>
internal sealed class Suggest(PostgresStore database)
{
    public async Task HandleAsync(HttpContext context)
    {
        var parameters = new QueryParameters(context);
        var text = parameters.Text("q", Suggestions.LongestText);
        var limit = parameters.Number("limit", Suggestions.Most, 1, Suggestions.Most);
        if (text is null)
        {
            parameters.Wrong("q", $"is missing; give what was typed, 1 to {Suggestions.LongestText} characters");
        }

        if (!await parameters.AnswerErrorsAsync(context))
        {
            return;
        }

        var found = await database.ReadAsync(
            context.Caller(), (text, limit), static async (connection, wanted, cancel) => await Suggestions.FindAsync(connection, wanted.text!, wanted.limit, cancel), context.RequestAborted);
        using var reply = new Reply();
        await reply.Add(new SuggestionList(true, found), SearchJson.Default.SuggestionList).SendAsync(context);
    }
}
