using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace PaymentSimulator;

/// <summary>
/// Sends events until they are taken: signed, some at a time and so in any order, again after each failure, and after a restart those that nobody has
/// taken yet. On top of that they are lost, doubled or late as <see cref="Control"/> says.
/// </summary>
internal sealed class Webhooks(SimulatorOptions options, Ledger ledger, Fates fates, TimeProvider time, ILogger<Webhooks> logger) : BackgroundService
{
    private const int AtOnce = 8;
    private const int MostAttempts = 20;
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly PriorityQueue<(Entry Entry, int Attempt), DateTimeOffset> _due = new();
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Where events are sent; null: there are none.</summary>
    public Uri? Url { get; set; } = options.WebhookUrl;

    /// <summary>The entry with its event.</summary>
    public Entry Announced(Entry entry, string type) =>
        Url is null ? entry : entry with { EventId = $"evt_{Guid.CreateVersion7(time.GetUtcNow()):N}", EventType = type };

    /// <summary>Sends an entry's event, when it has one; the entry is kept by now.</summary>
    public void Send(Entry kept)
    {
        if (kept.EventId is null)
        {
            return;
        }

        var (times, after) = fates.OfEvent();
        if (times == 0)
        {
            ledger.Commit(() => new Entry { Delivered = kept.EventId }); // lost: a restart does not find it again
        }

        for (var i = 0; i < times; i++)
        {
            Plan(kept, attempt: 1, after);
        }
    }

    /// <summary>The header <c>Stripe-Signature</c> of a body: when it was signed, and HMAC-SHA256 of that, a dot and the body.</summary>
    public static string Sign(string secret, DateTimeOffset at, ReadOnlySpan<byte> body)
    {
        var seconds = at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        byte[] signed = [.. Encoding.UTF8.GetBytes(seconds + "."), .. body];
        return $"t={seconds},v1={Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), signed))}";
    }

    /// <summary>An event as it is sent.</summary>
    public static byte[] Body(Entry entry, long created)
    {
        var about = entry.EventType == "charge.refunded"
            ? JsonSerializer.SerializeToElement(Charge.Of(entry.Intent!), SimulatorJson.Default.Charge)
            : JsonSerializer.SerializeToElement(entry.Intent!, SimulatorJson.Default.Intent);
        return JsonSerializer.SerializeToUtf8Bytes(new Event(entry.EventId!, "event", entry.EventType!, created, new EventData(about)), SimulatorJson.Default.Event);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        foreach (var entry in Url is null ? [] : ledger.Undelivered())
        {
            Plan(entry, attempt: 1, default);
        }

        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        using var room = new SemaphoreSlim(AtOnce);
        try
        {
            while (true)
            {
                await room.WaitAsync(stoppingToken);
                var (entry, attempt) = await NextAsync(stoppingToken);
                _ = SendAsync(http, entry, attempt, stoppingToken).ContinueWith(_ => room.Release(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
        }
        catch (OperationCanceledException)
        {
            for (var i = 0; i < AtOnce - 1; i++)
            {
                await room.WaitAsync(CancellationToken.None); // those that are being sent
            }
        }
    }

    private async Task SendAsync(HttpClient http, Entry entry, int attempt, CancellationToken stop)
    {
        try
        {
            var body = Body(entry, (entry.Refund?.Created ?? entry.Intent!.Created));
            using var request = new HttpRequestMessage(HttpMethod.Post, Url) { Content = new ByteArrayContent(body) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            request.Headers.Add("Stripe-Signature", Sign(options.WebhookSecret, time.GetUtcNow(), body));
            using var answer = await http.SendAsync(request, stop);
            if (answer.IsSuccessStatusCode)
            {
                ledger.Commit(() => new Entry { Delivered = entry.EventId });
                return;
            }

            Again(entry, attempt, $"it was answered with {(int)answer.StatusCode}");
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException && !stop.IsCancellationRequested)
        {
            Again(entry, attempt, e.Message);
        }
        catch (OperationCanceledException)
        {
            // The process stops; the event is sent when it starts again.
        }
    }

    private void Again(Entry entry, int attempt, string why)
    {
        if (attempt == MostAttempts)
        {
            logger.LogWarning("Event {Id} was sent {Attempts} times in vain and is given up: {Why}", entry.EventId, attempt, why);
            ledger.Commit(() => new Entry { Delivered = entry.EventId });
            return;
        }

        var pause = options.WebhookPause * Math.Pow(2, attempt - 1);
        Plan(entry, attempt + 1, pause < LongestPause ? pause : LongestPause);
    }

    private void Plan(Entry entry, int attempt, TimeSpan after)
    {
        lock (_lock)
        {
            _due.Enqueue((entry, attempt), time.GetUtcNow() + after);
            _more.TrySetResult();
        }
    }

    private async Task<(Entry Entry, int Attempt)> NextAsync(CancellationToken stop)
    {
        while (true)
        {
            TaskCompletionSource more;
            var wait = Timeout.InfiniteTimeSpan;
            lock (_lock)
            {
                if (_due.TryPeek(out var next, out var at))
                {
                    wait = at - time.GetUtcNow();
                    if (wait <= TimeSpan.Zero)
                    {
                        _due.Dequeue();
                        return next;
                    }
                }

                more = _more = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            await Task.WhenAny(more.Task, Task.Delay(wait, time, stop));
            stop.ThrowIfCancellationRequested();
        }
    }
}
