using System.Text.Json;
using Commons.Accounts;
using Commons.Http;
using Commons.OpenApi;
using Microsoft.AspNetCore.Http;
using Npgsql;
using Tenfold.AspNetCore;
using Tenfold.Postgres.Shards;

namespace Commons.Audit;

/// <summary>A change as the log has it. Ids are strings.</summary>
public sealed record AuditEntry(
    string Id, DateTime At, string Actor, string Role, long? ActsFor, string Action, string Subject, JsonElement? Before, JsonElement? After, string Address)
{
    internal static AuditEntry Read(NpgsqlDataReader row) => new(
        new ShardId(row.GetInt64(0)).ToString(),
        row.GetDateTime(1),
        new ShardId(row.GetInt64(2)).ToString(),
        row.GetString(3),
        row.IsDBNull(4) ? null : row.GetInt64(4),
        row.GetString(5),
        row.GetString(6),
        row.IsDBNull(7) ? null : Json(row.GetString(7)),
        row.IsDBNull(8) ? null : Json(row.GetString(8)),
        row.GetString(9));

    private static JsonElement Json(string text)
    {
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }
}

/// <summary><c>GET /api/admin/audit</c>, the newest first.</summary>
public sealed class AuditEndpoint(ShardedStore store)
{
    /// <summary>Its description.</summary>
    public static Operation Operation { get; } = new(
        "listAudit",
        "What staff and merchants have changed, the newest first",
        typeof(KeysetPage<AuditEntry>),
        new Parameter("subject", typeof(string), "What was changed, such as product:123. Not with actor."),
        new Parameter("actor", typeof(string), "Id of the account that changed it."),
        KeysetParameters.Limit,
        KeysetParameters.Cursor)
    { Access = Access.Admin };

    public async Task HandleAsync(HttpContext context)
    {
        var parameters = new QueryParameters(context);
        var (subject, actor) = (parameters.Text("subject", 100), KeysetParameters.Id(parameters, "actor"));
        if (subject is not null && actor is not null)
        {
            parameters.Wrong("actor", "cannot be given together with subject");
        }

        var (limit, before) = (parameters.Number("limit", 20, 1, 100), KeysetParameters.Before(parameters));
        if (!await parameters.AnswerErrorsAsync(context))
        {
            return;
        }

        var which = subject is not null ? "subject = $4 AND" : actor is not null ? "actor = $4 AND" : "";
        var page = await store.ScatterAsync(
            new ScatterQuery<AuditEntry>
            {
                Sql = $"SELECT id, at, actor, role, acts_for, action, subject, before, after, address FROM audit_log WHERE {which} id < $3 AND bucket_id = ANY ($1) ORDER BY id DESC LIMIT $2",
                Values = subject is not null ? [before, subject] : actor is { } account ? [before, account] : [before],
                Read = AuditEntry.Read,
                Order = Comparer<AuditEntry>.Create((a, b) => Number(b).CompareTo(Number(a))),
                Limit = limit,
            },
            context.Caller(),
            context.RequestAborted);
        await JsonReply.SendAsync(context, KeysetPage.Of(page.Rows, limit, page.More, entry => entry.Id), AccountsJson.Default.KeysetPageAuditEntry);
    }

    private static long Number(AuditEntry entry) => long.Parse(entry.Id);
}
