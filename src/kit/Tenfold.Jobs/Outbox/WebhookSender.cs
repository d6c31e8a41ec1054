using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Tenfold.Jobs.Outbox;

/// <summary>Sends webhooks. No redirect is followed, no cookie kept, and only the beginning of an answer is read. Thread-safe.</summary>
internal sealed class WebhookSender : IDisposable
{
    private const int Told = 200; // characters of an answer

    private readonly OutboxOptions _options;
    private readonly TimeProvider _time;
    private readonly HttpClient _client;

    public WebhookSender(OutboxOptions options, TimeProvider time)
    {
        (_options, _time) = (options, time);
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5), // names may point elsewhere by then
            MaxResponseDrainSize = options.MostResponse,
            ConnectCallback = (context, cancel) => PublicAddresses.ConnectAsync(context.DnsEndPoint, options.AllowPrivateAddresses, cancel),
        };
        _client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        _client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("Tenfold-Webhooks", "1.0"));
    }

    /// <exception cref="JobFailedException">It will never be taken: no such address, or the receiver says that it is gone (410).</exception>
    /// <exception cref="JobRetryException">The receiver asked for a pause.</exception>
    /// <exception cref="HttpRequestException">It was not taken.</exception>
    /// <exception cref="TimeoutException">No answer in time.</exception>
    public async Task SendAsync(Webhook webhook, JobContext context, CancellationToken cancel)
    {
        if (!Uri.TryCreate(webhook.Url, UriKind.Absolute, out var url) || url.Scheme is not ("https" or "http"))
        {
            throw new JobFailedException($"'{webhook.Url}' is no address of http or https");
        }

        using var request = Request(webhook, url, context.Id);
        using var limit = new CancellationTokenSource(_options.Timeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
        try
        {
            using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
            var said = await BeginningAsync(response, both.Token);
            Judge(response, said, url, context);
        }
        catch (OperationCanceledException e) when (limit.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            throw new TimeoutException($"{url.Authority} did not answer within {_options.Timeout.TotalSeconds:0.#} s", e);
        }
    }

    public void Dispose() => _client.Dispose();

    private HttpRequestMessage Request(Webhook webhook, Uri url, long job)
    {
        if (!_options.Secrets.TryGetValue(webhook.Secret, out var secret))
        {
            throw new InvalidOperationException($"this app has no webhook secret '{webhook.Secret}': put it into OutboxOptions.Secrets");
        }

        var id = job.ToString(CultureInfo.InvariantCulture); // the same for each attempt, so that receivers know what they have had
        var timestamp = _time.GetUtcNow().ToUnixTimeSeconds();
        var body = Encoding.UTF8.GetBytes(webhook.Body.GetRawText());
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("webhook-id", id);
        request.Headers.Add("webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture));
        request.Headers.TryAddWithoutValidation("webhook-signature", WebhookSignature.Of(secret, id, timestamp, body));
        return request;
    }

    private void Judge(HttpResponseMessage response, string said, Uri url, JobContext context)
    {
        if (response.IsSuccessStatusCode)
        {
            return;
        }

        var answer = $"{url.Authority} answered {(int)response.StatusCode}{(said.Length > 0 ? $": {said}" : "")}";
        if (response.StatusCode == HttpStatusCode.Gone)
        {
            throw new JobFailedException($"{answer}; it wants no more of these");
        }

        if (response.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable && PauseOf(response.Headers.RetryAfter) is { } pause)
        {
            throw new JobRetryException(pause, answer) { Counts = _time.GetUtcNow() - context.EnqueuedAt > _options.Patience };
        }

        throw new HttpRequestException(answer, null, response.StatusCode);
    }

    private TimeSpan? PauseOf(RetryConditionHeaderValue? asked)
    {
        var pause = asked?.Delta ?? (asked?.Date - _time.GetUtcNow());
        return pause is not { } time ? null : time < TimeSpan.FromSeconds(1) ? TimeSpan.FromSeconds(1) : time > _options.MostPause ? _options.MostPause : time;
    }

    private async Task<string> BeginningAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        var buffer = new byte[_options.MostResponse];
        await using var stream = await response.Content.ReadAsStreamAsync(cancel);
        var read = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancel);
        var text = Encoding.UTF8.GetString(buffer, 0, read).Trim();
        return text.Length <= Told ? text : text[..Told] + "…";
    }
}

/// <summary>Sends a <see cref="Webhook"/>: 2xx is done, 410 a dead letter, 429 and 503 wait as they ask (<c>Retry-After</c>), all else is tried again as the queue says.</summary>
internal sealed class WebhookHandler(WebhookSender sender) : IJobHandler<Webhook>
{
    public Task HandleAsync(Webhook job, JobContext context, CancellationToken cancel) => sender.SendAsync(job, context, cancel);
}
