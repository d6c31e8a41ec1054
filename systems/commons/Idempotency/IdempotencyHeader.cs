using System.Security.Cryptography;
using System.Text;
using Commons.OpenApi;
using Microsoft.AspNetCore.Http;
using Tenfold.AspNetCore.Errors;
using Tenfold.Postgres.Shards;

namespace Commons.Idempotency;

/// <summary>The header <c>Idempotency-Key</c>, and the answers to a request that came before.</summary>
public static class IdempotencyHeader
{
    private const string Name = "Idempotency-Key";
    private const int Longest = 200;

    /// <summary>For the OpenAPI document.</summary>
    public static Parameter Parameter { get; } = new(
        Name, typeof(string), "1 to 200 visible ASCII characters, new ones for each request that is meant to take effect. The same key with the same body answers as the first time, for 24 h; with another body 422; while the first is being carried out 409.")
    { InHeader = true, Required = true };

    /// <summary>The request, for a new attempt; null when a 400 has been written.</summary>
    /// <param name="context">The request.</param>
    /// <param name="caller">The account.</param>
    /// <param name="operation">What is asked for.</param>
    /// <param name="body">As it was sent.</param>
    /// <param name="attempt">A new id of the caller's bucket.</param>
    public static async ValueTask<IdempotentRequest?> ReadAsync(HttpContext context, ShardId caller, string operation, byte[] body, ShardId attempt)
    {
        ArgumentNullException.ThrowIfNull(context);
        var given = context.Request.Headers[Name];
        if (given.Count == 1 && given[0] is { Length: >= 1 and <= Longest } key && !key.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            return new IdempotentRequest(caller, operation, key, SHA256.HashData(body), attempt);
        }

        await Problem.WriteAsync(
            context,
            StatusCodes.Status400BadRequest,
            $"The header {Name} is {(given.Count == 0 ? "missing" : "not valid")}: it must be 1 to {Longest} visible ASCII characters, new ones for each request that is meant to take effect (a UUID, say).");
        return null;
    }

    /// <summary>True when the request is this attempt's to carry out; else the answer has been written.</summary>
    public static async ValueTask<bool> AnswerAsync(HttpContext context, Claim claim)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(claim);
        switch (claim.Outcome)
        {
            case ClaimOutcome.Claimed:
                return true;
            case ClaimOutcome.Done:
                context.Response.StatusCode = claim.Status;
                context.Response.ContentType = "application/json; charset=utf-8";
                context.Response.Headers.CacheControl = "no-store";
                context.Response.Headers["Idempotent-Replayed"] = "true";
                await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(claim.Answer!), context.RequestAborted);
                return false;
            case ClaimOutcome.Working:
                context.Response.Headers.RetryAfter = "1";
                await Problem.WriteAsync(context, StatusCodes.Status409Conflict, $"A request with this {Name} is being carried out. Ask again in a moment; one that has broken off is given up after {IdempotencyKeys.Silence.TotalSeconds:0} s.");
                return false;
            default:
                await Problem.WriteAsync(context, StatusCodes.Status422UnprocessableEntity, $"This {Name} came with another body before. Repeat a request as it was, or take a new key for a new one.");
                return false;
        }
    }
}
