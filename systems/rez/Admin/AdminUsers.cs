using Commons.Accounts;
using Commons.Audit;
using Commons.Http;
using Commons.OpenApi;
using Npgsql;
using Tenfold.AspNetCore;
using Tenfold.AspNetCore.Errors;
using Tenfold.Postgres;

namespace Rez.Admin;

/// <summary><c>GET /api/admin/users</c>, <c>GET</c> and <c>PATCH /api/admin/users/{id}</c>.</summary>
internal sealed class AdminUsers(AccountAdmin accounts, PostgresStore home)
{
    public async Task ListAsync(HttpContext context)
    {
        var parameters = new QueryParameters(context);
        var email = Normal(parameters, "email", Logins.Email, Logins.EmailRule);
        var phone = Normal(parameters, "phone", Logins.Phone, Logins.PhoneRule);
        var (limit, before) = (parameters.Number("limit", 20, 1, 100), KeysetParameters.Before(parameters));
        if (!await parameters.AnswerErrorsAsync(context))
        {
            return;
        }

        KeysetPage<User> page;
        if (email is not null || phone is not null)
        {
            var found = await accounts.FindAsync(email, phone, context.Caller(), context.RequestAborted);
            page = new(true, found is null ? [] : [found], new KeysetPagination(limit, false, null));
        }
        else
        {
            var list = await accounts.ListAsync(before, limit, context.Caller(), context.RequestAborted);
            page = KeysetPage.Of(list.Rows, limit, list.More, user => user.Id);
        }

        await JsonReply.SendAsync(context, page, AccountsWire.Users);
    }

    public async Task GetAsync(HttpContext context)
    {
        if (await JsonReply.ReadShardIdAsync(context, "user") is not { } id || !await new QueryParameters(context).AnswerErrorsAsync(context))
        {
            return;
        }

        await AnswerAsync(context, await accounts.FindAsync(id, context.Caller(), context.RequestAborted));
    }

    public async Task PatchAsync(HttpContext context)
    {
        if (await JsonReply.ReadShardIdAsync(context, "user") is not { } id
            || !await new QueryParameters(context).AnswerErrorsAsync(context)
            || await JsonBody.ReadAsync(context, AdminJson.Default.UserChange, "change", body => body.Errors()) is not { } body)
        {
            return;
        }

        if (id == context.Identity().User)
        {
            await Problem.WriteAsync(context, StatusCodes.Status409Conflict, "Another administrator has to change your role and standing: there must always be one.");
            return;
        }

        if (body.MerchantId is { } merchant && !await IsMerchantAsync(merchant, context.RequestAborted))
        {
            await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, $"merchantId: there is no merchant {merchant}.", JsonBody.Error("merchantId", $"there is no merchant {merchant}"));
            return;
        }

        await AnswerAsync(context, await accounts.ChangeAsync(id, body.Standing(), Actor.Of(context), context.Caller(), context.RequestAborted));
    }

    private static Task AnswerAsync(HttpContext context, User? user) =>
        user is null ? ItemReply.NotFoundAsync(context, "user") : JsonReply.SendItemAsync(context, user, AccountsWire.User);

    private static string? Normal(QueryParameters parameters, string name, Func<string, string?> normal, string rule)
    {
        if (parameters.Text(name, 300) is not { } text)
        {
            return null;
        }

        var found = normal(text);
        if (found is null)
        {
            parameters.Wrong(name, rule);
        }

        return found;
    }

    private async Task<bool> IsMerchantAsync(int merchant, CancellationToken cancel)
    {
        await using var connection = await home.OpenReaderAsync(null, cancel);
        await using var command = new NpgsqlCommand("SELECT 1 FROM merchants WHERE id = $1", connection) { Parameters = { new NpgsqlParameter<int> { TypedValue = merchant } } };
        return await command.ExecuteScalarAsync(cancel) is not null;
    }
}
