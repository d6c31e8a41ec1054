using Commons.OpenApi;
using Microsoft.AspNetCore.Http;
using Tenfold.Postgres.Shards;

namespace Commons.Accounts;

/// <summary>Who makes a request.</summary>
/// <param name="User">The account.</param>
/// <param name="Session">The session that the request's token or cookie belongs to.</param>
/// <param name="Role">One of <see cref="Access.Customer"/>, <see cref="Access.Merchant"/>, <see cref="Access.Admin"/>.</param>
/// <param name="ActsFor">What the account is staff of: a merchant's id; null for others.</param>
public sealed record Identity(ShardId User, ShardId Session, Access Role, long? ActsFor);

/// <summary>The request's identity.</summary>
public static class IdentityExtensions
{
    /// <summary>Who makes the request; null when it came without a token or cookie that holds.</summary>
    /// <exception cref="InvalidOperationException">The operation's <see cref="Access"/> is <see cref="Access.Anyone"/>, of whom nothing is known; make it <see cref="Access.Guest"/>.</exception>
    public static Identity? FindIdentity(this HttpContext context) => context.Features.Get<Identity>() ?? (
        context.GetEndpoint()?.Metadata.GetMetadata<Operation>() is { Access: not Access.Anyone }
            ? null
            : throw new InvalidOperationException($"{context.Request.Method} {context.Request.Path} is for {nameof(Access.Anyone)}, so nobody looked at who it is; make it for {nameof(Access.Guest)}."));

    /// <summary>Who makes the request, for operations that only those who are logged in may call.</summary>
    /// <exception cref="InvalidOperationException">The operation lets others in.</exception>
    public static Identity Identity(this HttpContext context) =>
        context.FindIdentity() ?? throw new InvalidOperationException($"{context.Request.Method} {context.Request.Path} lets everybody in: it has no identity to count on.");
}
