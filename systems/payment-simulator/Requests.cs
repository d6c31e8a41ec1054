using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace PaymentSimulator;

/// <summary>What all requests have in common: the key that lets them in, Idempotency-Keys, fates, answers.</summary>
internal sealed class Requests(SimulatorOptions options, Ledger ledger, Webhooks webhooks, TimeProvider time, IHostApplicationLifetime lifetime)
{
    private readonly byte[] _bearer = Encoding.UTF8.GetBytes("Bearer " + options.SecretKey);

    /// <summary>Lets in who has the secret key, and answers with what is refused.</summary>
    public RequestDelegate Guarded(Func<HttpContext, Task> handle) => async context =>
    {
        try
        {
            if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(context.Request.Headers.Authorization.ToString()), _bearer))
            {
                throw new RefusedException(401, new Failure("invalid_request_error", null, "Authorization is missing or wrong: send 'Bearer' and the secret key."));
            }

            await handle(context);
        }
        catch (RefusedException refused)
        {
            await AnswerAsync(context, refused.Status, new FailureBody(refused.Failure), SimulatorJson.Default.FailureBody);
        }
    };

    /// <summary>A request that changes something: once for each Idempotency-Key.</summary>
    /// <param name="context">The request.</param>
    /// <param name="draw">Its fate; also where parameters are looked at.</param>
    /// <param name="change">Decides, with everything else waiting, what becomes true.</param>
    public async Task ChangeAsync(HttpContext context, Func<RequestFields, Fate> draw, Func<RequestFields, Fate, Entry> change)
    {
        var fields = await RequestFields.ReadAsync(context.Request, context.RequestAborted);
        var key = context.Request.Headers["Idempotency-Key"].ToString();
        if (key.Length > 255)
        {
            throw RequestFields.Wrong("idempotency_key_invalid", $"The Idempotency-Key has {key.Length} characters; at most 255 are allowed.");
        }

        var fingerprint = fields.Fingerprint(context.Request.Path);
        var (answered, refused) = key.Length == 0 ? default : ledger.Claim(key, fingerprint);
        if (refused is { } no)
        {
            throw new RefusedException(no.Status, no.Failure);
        }

        if (answered is not null)
        {
            context.Response.Headers["Idempotent-Replayed"] = "true";
            await AnswerAsync(context, answered);
            return;
        }

        Entry? made = null;
        Fate fate;
        try
        {
            fate = draw(fields);
            fields.RequireNothingElse();
            await Task.Delay(fate.Before, time, lifetime.ApplicationStopping); // also when the caller has left: it asked for it
            if (fate.Effect)
            {
                made = ledger.Commit(() =>
                {
                    var entry = change(fields, fate);
                    entry = fate.Answer == Answering.Error ? entry with { Status = 500, Error = Broken } : entry;
                    return key.Length == 0 ? entry : entry with { Key = key, Fingerprint = fingerprint };
                });
                webhooks.Send(made);
            }
        }
        finally
        {
            if (key.Length > 0)
            {
                ledger.Release(key);
            }
        }

        await AnswerAsync(context, fate.Answer, made);
    }

    /// <summary>A value as JSON.</summary>
    public static async Task AnswerAsync<T>(HttpContext context, int status, T value, JsonTypeInfo<T> type)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(value, type);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    private static Failure Broken => new("api_error", null, "Something went wrong at the provider.");

    private async Task AnswerAsync(HttpContext context, Answering how, Entry? made)
    {
        switch (how)
        {
            case Answering.Truth:
                await AnswerAsync(context, made!);
                break;
            case Answering.Error:
                await AnswerAsync(context, 500, new FailureBody(Broken), SimulatorJson.Default.FailureBody);
                break;
            case Answering.Reset:
                context.Abort();
                break;
            default:
                using (var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping))
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, time, end.Token).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
                }

                context.Abort();
                break;
        }
    }

    private static Task AnswerAsync(HttpContext context, Entry made) =>
        made.Error is { } failure ? AnswerAsync(context, made.Status, new FailureBody(failure), SimulatorJson.Default.FailureBody)
        : made.Refund is { } refund ? AnswerAsync(context, made.Status, refund, SimulatorJson.Default.Refund)
        : AnswerAsync(context, made.Status, made.Intent!, SimulatorJson.Default.Intent);
}
