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
    public static Identity? FindIdentity(this HttpContext context) => context.Features.Get<Identity>();

    /// <summary>Who makes the request, for operations whose <see cref="Access"/> is not <see cref="Access.Anyone"/>.</summary>
    /// <exception cref="InvalidOperationException">The operation lets anyone in.</exception>
    public static Identity Identity(this HttpContext context) =>
        context.FindIdentity() ?? throw new InvalidOperationException($"{context.Request.Method} {context.Request.Path} lets anyone in: it has no identity to count on.");
}
