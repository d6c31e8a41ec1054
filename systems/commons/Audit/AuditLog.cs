using System.Text.Json.Nodes;
using Commons.Accounts;
using Commons.Data;
using Microsoft.AspNetCore.Http;
using Npgsql;
using NpgsqlTypes;
using Tenfold.AspNetCore;
using Tenfold.Postgres.Shards;

namespace Commons.Audit;

/// <summary>Who changes something, and from where.</summary>
/// <param name="Account">The account.</param>
/// <param name="Role">Its role at that time.</param>
/// <param name="ActsFor">The merchant that it acts for.</param>
/// <param name="Address">The client's address; <c>command</c> for a command on the server.</param>
public sealed record Actor(ShardId Account, Access Role, long? ActsFor, string Address)
{
    /// <summary>Of a request.</summary>
    /// <exception cref="InvalidOperationException">The operation lets everybody in.</exception>
    public static Actor Of(HttpContext context)
    {
        var identity = context.Identity();
        return new Actor(identity.User, identity.Role, identity.ActsFor, context.ClientAddress().ToString());
    }
}

/// <summary>What staff and merchants have changed: who, what, from what to what. Written with the change, in its transaction; never changed. Thread-safe.</summary>
public sealed class AuditLog(ShardedStore store)
{
    /// <summary>Notes a change, in its own transaction: both happen or neither.</summary>
    /// <param name="write">The change's transaction; the entry lies in its bucket.</param>
    /// <param name="actor">Who.</param>
    /// <param name="action">What was done: <c>product.update</c>, <c>order.ship</c>, <c>account.deactivate</c>.</param>
    /// <param name="subject">To what: <c>product:123</c>.</param>
    /// <param name="before">The fields that were changed, as they were; null for none.</param>
    /// <param name="after">The same as they are now. No secrets.</param>
    /// <param name="cancel">Ends the wait.</param>
    public Task WriteAsync(ShardTransaction write, Actor actor, string action, string subject, JsonObject? before, JsonObject? after, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(write);
        ArgumentNullException.ThrowIfNull(actor);
        var command = new NpgsqlCommand(
            "INSERT INTO audit_log (bucket_id, id, actor, role, acts_for, action, subject, before, after, address) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", write.Connection);
        foreach (var value in (ReadOnlySpan<object?>)[write.Bucket, store.NewId(ShardKey.OfBucket(write.Bucket)).Value, actor.Account.Value, actor.Role.Name(), actor.ActsFor, action, subject])
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value });
        }

        command.Parameters.Add(Json(before));
        command.Parameters.Add(Json(after));
        command.Parameters.Add(new NpgsqlParameter { Value = actor.Address });
        return Sql.ExecuteAsync(command, cancel);
    }

    private static NpgsqlParameter Json(JsonObject? value) => new() { NpgsqlDbType = NpgsqlDbType.Jsonb, Value = (object?)value?.ToJsonString() ?? DBNull.Value };
}
