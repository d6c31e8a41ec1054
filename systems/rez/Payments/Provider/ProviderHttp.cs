using System.Net;
using System.Net.Http.Headers;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;
using Polly.Timeout;

namespace Rez.Payments.Provider;

/// <summary>How the provider has answered.</summary>
internal readonly record struct ProviderReply(HttpStatusCode Status, byte[] Body);

/// <summary>What became of a request.</summary>
/// <param name="Reply">The answer; null when there was none.</param>
/// <param name="WasSent">Whether any of its repetitions may have reached the provider without being answered, or was answered with something that says nothing.</param>
/// <param name="Problem">Why there is no answer.</param>
internal readonly record struct Exchange(ProviderReply? Reply, bool WasSent, string? Problem);

/// <summary>
/// Requests to the provider: a time limit for each, some repetitions of those that break or are put off (with the same Idempotency-Key, so that they
/// charge once), and a circuit breaker, so that a provider that is down costs nobody a wait. Thread-safe.
/// </summary>
internal sealed class ProviderHttp : IDisposable
{
    private const int Repetitions = 2;
    private const int MostAnswer = 1 << 20; // bytes
    private static readonly ResiliencePropertyKey<Attempts> AttemptsKey = new("attempts");

    private readonly HttpClient _http;
    private readonly ResiliencePipeline<ProviderReply> _pipeline;
    private readonly CircuitBreakerStateProvider _breaker = new();

    public ProviderHttp(PaymentOptions options, TimeProvider time)
    {
        _http = new HttpClient(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(2), ConnectTimeout = TimeSpan.FromSeconds(2), MaxConnectionsPerServer = 256, AllowAutoRedirect = false, UseCookies = false })
        {
            BaseAddress = options.Url,
            Timeout = System.Threading.Timeout.InfiniteTimeSpan, // the pipeline's
            MaxResponseContentBufferSize = MostAnswer,
            DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", options.SecretKey) },
        };
        _pipeline = new ResiliencePipelineBuilder<ProviderReply> { TimeProvider = time }
            .AddTimeout(options.WholeTimeout)
            .AddRetry(new RetryStrategyOptions<ProviderReply>
            {
                MaxRetryAttempts = Repetitions,
                Delay = TimeSpan.FromMilliseconds(200),
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Exception is HttpRequestException || arguments.Outcome.Result is { Body: not null } reply && IsPutOff(reply.Status)),
            })
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions<ProviderReply>
            {
                FailureRatio = 0.5,
                MinimumThroughput = options.BreakerCalls,
                SamplingDuration = TimeSpan.FromSeconds(10),
                BreakDuration = options.BreakerPause,
                StateProvider = _breaker,
                ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Exception is HttpRequestException or TimeoutRejectedException || arguments.Outcome.Result is { Body: not null, Status: >= HttpStatusCode.InternalServerError }),
            })
            .AddTimeout(options.Timeout)
            .Build();
    }

    /// <summary>Whether nothing is sent for now, as too much of it has failed.</summary>
    public bool IsOpen => _breaker.CircuitState is CircuitState.Open or CircuitState.Isolated;

    /// <summary>Sends a request, again where that may help.</summary>
    /// <param name="method">GET, or POST with a form.</param>
    /// <param name="path">Below the provider's address.</param>
    /// <param name="form">The form; null for GET.</param>
    /// <param name="idempotencyKey">The provider carries out what has the same key once.</param>
    /// <param name="cancel">Gives it up.</param>
    public async Task<Exchange> SendAsync(HttpMethod method, string path, IReadOnlyDictionary<string, string>? form, string? idempotencyKey, CancellationToken cancel)
    {
        var attempts = new Attempts();
        var context = ResilienceContextPool.Shared.Get(cancel);
        context.Properties.Set(AttemptsKey, attempts);
        try
        {
            var reply = await _pipeline.ExecuteAsync(
                async running =>
                {
                    using var request = new HttpRequestMessage(method, path) { Content = form is null ? null : new FormUrlEncodedContent(form) };
                    if (idempotencyKey is not null)
                    {
                        request.Headers.Add("Idempotency-Key", idempotencyKey);
                    }

                    return await OnceAsync(request, running.Properties.GetValue(AttemptsKey, null!), running.CancellationToken);
                },
                context);
            return new Exchange(reply, attempts.MaySent, null);
        }
        catch (BrokenCircuitException)
        {
            return new Exchange(null, attempts.MaySent, "the payment provider does not answer, and is left alone for a moment");
        }
        catch (TimeoutRejectedException)
        {
            return new Exchange(null, attempts.MaySent, "the payment provider did not answer in time");
        }
        catch (HttpRequestException broken)
        {
            return new Exchange(null, attempts.MaySent, attempts.MaySent ? "the connection to the payment provider broke" : $"the payment provider cannot be reached: {broken.Message}");
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    public void Dispose() => _http.Dispose();

    // Busy with the same key, too many requests, or a gateway that has lost the way to it: the same request a little later may do better.
    private static bool IsPutOff(HttpStatusCode status) =>
        status is HttpStatusCode.Conflict or HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout;

    private async Task<ProviderReply> OnceAsync(HttpRequestMessage request, Attempts attempts, CancellationToken cancel)
    {
        var before = attempts.MaySent;
        attempts.MaySent = true; // until the opposite is known: a time limit may end this method anywhere
        try
        {
            using var response = await _http.SendAsync(request, cancel);
            var reply = new ProviderReply(response.StatusCode, await response.Content.ReadAsByteArrayAsync(cancel));
            // What was refused was not carried out. Another repetition may have been.
            attempts.MaySent = before || reply.Status is < HttpStatusCode.BadRequest or HttpStatusCode.Conflict or >= HttpStatusCode.InternalServerError;
            return reply;
        }
        catch (HttpRequestException never) when (never.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError)
        {
            attempts.MaySent = before;
            throw;
        }
    }

    private sealed class Attempts
    {
        public bool MaySent { get; set; }
    }
}
