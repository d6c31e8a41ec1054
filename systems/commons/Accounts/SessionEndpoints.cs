using Commons.Data;
using Commons.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Tenfold.AspNetCore;
using Tenfold.AspNetCore.Errors;
using Tenfold.Postgres.Shards;

namespace Commons.Accounts;

/// <summary><c>POST /api/auth/refresh</c>.</summary>
internal sealed class RefreshEndpoint(Refreshing refreshing, LoginReply reply, ILogger<RefreshEndpoint> logger)
{
    public async Task HandleAsync(HttpContext context)
    {
        if (!await new QueryParameters(context).AnswerErrorsAsync(context) || await JsonBody.ReadAsync(context, AccountsJson.Default.RefreshBody, "refresh", body => body.Errors()) is not { } body)
        {
            return;
        }

        var refreshed = SessionToken.Parse(body.RefreshToken) is { } token
            ? await refreshing.RefreshAsync(token, context.Caller(), context.RequestAborted)
            : new Refreshed(RefreshOutcome.Invalid);
        switch (refreshed.Outcome)
        {
            case RefreshOutcome.Refreshed:
                context.Response.Headers.CacheControl = "no-store";
                await JsonReply.SendItemAsync(context, reply.Tokens(refreshed.Token!, refreshed.RefreshToken!), AccountsJson.Default.ItemTokens);
                break;
            case RefreshOutcome.Reused:
                logger.LogWarning("A refresh token came a second time, from {Address}: session {Session} has ended", context.ClientAddress(), SessionToken.Parse(body.RefreshToken)!.Session);
                await Problem.WriteAsync(context, StatusCodes.Status401Unauthorized, "This refresh token was used before, so somebody may have a copy of it: its session has ended. Log in again.");
                break;
            default:
                await Problem.WriteAsync(context, StatusCodes.Status401Unauthorized, "This refresh token does not hold: it has expired, or its session has ended. Log in again.");
                break;
        }
    }
}

/// <summary><c>GET</c> and <c>DELETE /api/auth/sessions[/{id}]</c>, <c>POST /api/auth/logout</c>.</summary>
internal sealed class SessionEndpoints(ShardedStore store, Sessions sessions, LoginReply reply)
{
    private const int Most = 200;

    public async Task ListAsync(HttpContext context)
    {
        if (!await new QueryParameters(context).AnswerErrorsAsync(context))
        {
            return;
        }

        var identity = context.Identity();
        var shard = store.Shard(identity.User);
        await using var connection = await shard.OpenReaderAsync(context.Caller(), context.RequestAborted);
        var open = await Sql.ListAsync(
            Sql.Command(
                connection,
                "SELECT id, kind, address, agent, created_at, used_at, expires_at FROM sessions WHERE bucket_id = $1 AND user_id = $2 AND ended_at IS NULL AND expires_at > now() ORDER BY id DESC LIMIT $3",
                shard.Bucket,
                identity.User.Value,
                Most),
            row => new SessionView(new ShardId(row.GetInt64(0)).ToString(), row.GetString(1), row.GetString(2), row.GetString(3), row.GetDateTime(4), row.GetDateTime(5), row.GetDateTime(6), row.GetInt64(0) == identity.Session.Value),
            context.RequestAborted);
        await JsonReply.SendItemAsync(context, open.ToArray(), AccountsJson.Default.ItemSessionViewArray);
    }

    public async Task EndAsync(HttpContext context)
    {
        if (await JsonReply.ReadShardIdAsync(context, "session") is not { } session || !await new QueryParameters(context).AnswerErrorsAsync(context))
        {
            return;
        }

        if (!await sessions.EndAsync(context.Identity().User, session, context.Caller(), context.RequestAborted))
        {
            await ItemReply.NotFoundAsync(context, "session");
            return;
        }

        await AnswerAsync(context, 1);
    }

    public async Task EndOthersAsync(HttpContext context)
    {
        if (await new QueryParameters(context).AnswerErrorsAsync(context))
        {
            await AnswerAsync(context, await sessions.EndAllAsync(context.Identity().User, context.Identity().Session, context.Caller(), context.RequestAborted));
        }
    }

    public async Task LogOutAsync(HttpContext context)
    {
        if (!await new QueryParameters(context).AnswerErrorsAsync(context))
        {
            return;
        }

        var ended = await sessions.EndAsync(context.Identity().User, context.Identity().Session, context.Caller(), context.RequestAborted);
        reply.Forget(context);
        await AnswerAsync(context, ended ? 1 : 0);
    }

    private static Task AnswerAsync(HttpContext context, int ended) => JsonReply.SendItemAsync(context, new EndedSessions(ended), AccountsJson.Default.ItemEndedSessions);
}
