using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Tenfold.AspNetCore.Stores;
using Tenfold.Postgres;

namespace Tenfold.AspNetCore;

/// <summary>Who reads and writes during a request.</summary>
public static class CallerExtensions
{
    /// <summary>
    /// The request's caller, for <see cref="PostgresStore"/>: it sees what earlier requests of the same client have written. Their tokens
    /// come with the cookie <c>tenfold-read</c>, or the header <c>Tenfold-Read</c> for clients without cookies; a request that has
    /// written answers with both. In a load for the cache it is a caller that sees everything. Costs nothing in requests that do not ask for it.
    /// </summary>
    /// <param name="context">The request. Ask before its answer has begun.</param>
    /// <remarks>What is committed after the answer has begun is not in the token.</remarks>
    public static Caller Caller(this HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Features.Get<Caller>() ?? ReadTokens.Begin(context, context.RequestServices.GetRequiredService<Postgres.Tokens.TokenSigner>());
    }
}
