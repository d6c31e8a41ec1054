using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Tenfold.EndToEnd.Tests.Storm;

/// <summary>
/// One who wants one unit, and does not give in: a request that has no clear answer is sent again with its key until it has one. Most pay
/// with a method that works; others meet declines, charges whose answer is lost, and slow ones first.
/// </summary>
internal sealed class Buyer(HttpClient shop, int number, string token, long product, BuyersLog log)
{
    private static readonly string[] FirstMethods = ["pm_ok", "pm_ok", "pm_ok", "pm_ok", "pm_declined", "pm_timeout_charged", "pm_error_charged", "pm_slow"];
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    public int Number => number;

    /// <summary>The order that was placed; null: sold out.</summary>
    public string? Order { get; private set; }

    /// <summary>Whether the shop says that the order is paid.</summary>
    public bool IsPaid { get; private set; }

    /// <summary>Tries to get one, and to pay for it.</summary>
    public async Task BuyAsync(CancellationToken cancel)
    {
        Order ??= await PlaceAsync(cancel);
        for (var attempt = 0; Order is not null && !IsPaid; attempt++)
        {
            if (!await PayAsync(attempt == 0 ? FirstMethods[number % FirstMethods.Length] : "pm_ok", cancel))
            {
                return; // it was not paid in time, and is gone
            }
        }
    }

    /// <summary>The buyer's orders, as the shop shows them: id and status.</summary>
    public async Task<IReadOnlyDictionary<string, string>> OrdersAsync(CancellationToken cancel)
    {
        var answer = await AskAsync(HttpMethod.Get, "/api/orders?limit=100", null, null, cancel) ?? throw new HttpRequestException("the orders are not shown");
        return answer.Body!["data"]!.AsArray().ToDictionary(order => order!["id"]!.GetValue<string>(), order => order!["status"]!.GetValue<string>(), StringComparer.Ordinal);
    }

    private async Task<string?> PlaceAsync(CancellationToken cancel)
    {
        var key = Guid.NewGuid().ToString();
        log.Write(new LogLine(number, "order", key, Outcome.Intent));
        while (true)
        {
            var answer = await AskAsync(HttpMethod.Post, "/api/orders", key, new { items = new[] { new { productId = product, quantity = 1 } }, shipTo = $"Buyer {number}" }, cancel);
            switch (answer)
            {
                case { Status: HttpStatusCode.Created, Body: { } body }:
                    var order = body["data"]!["id"]!.GetValue<string>();
                    log.Write(new LogLine(number, "order", key, Outcome.Ok, order));
                    return order;
                case { Status: HttpStatusCode.Conflict, HasRetryAfter: false }:
                    log.Write(new LogLine(number, "order", key, Outcome.Fail, Detail: answer.Detail));
                    return null;
                default:
                    log.Write(new LogLine(number, "order", key, Outcome.Unknown, Detail: answer?.Detail));
                    await Task.Delay(Pause, cancel);
                    break;
            }
        }
    }

    /// <returns>False when the order cannot be paid any more.</returns>
    private async Task<bool> PayAsync(string method, CancellationToken cancel)
    {
        var key = Guid.NewGuid().ToString();
        log.Write(new LogLine(number, "payment", key, Outcome.Intent, Order));
        while (true)
        {
            var answer = await AskAsync(HttpMethod.Post, "/api/payments", key, new { orderId = Order, method }, cancel);
            switch (answer)
            {
                case { Status: HttpStatusCode.Created, Body: { } body }:
                    log.Write(new LogLine(number, "payment", key, Outcome.Ok, body["data"]!["id"]!.GetValue<string>()));
                    IsPaid = true;
                    return true;
                case { Status: HttpStatusCode.PaymentRequired }:
                    log.Write(new LogLine(number, "payment", key, Outcome.Fail, Detail: answer.Detail));
                    return true;
                case { Status: HttpStatusCode.Conflict }:
                    // Paid by an earlier payment, or gone: the order itself says which.
                    log.Write(new LogLine(number, "payment", key, Outcome.Fail, Detail: answer.Detail));
                    var status = (await OrdersAsync(cancel))[Order!];
                    IsPaid = status == "paid";
                    await Task.Delay(Pause, cancel);
                    return status is "paid" or "pending";
                default:
                    log.Write(new LogLine(number, "payment", key, Outcome.Unknown, Detail: answer?.Detail));
                    await Task.Delay(Pause, cancel);
                    break;
            }
        }
    }

    /// <summary>Null when there is no answer.</summary>
    private async Task<Answer?> AskAsync(HttpMethod method, string path, string? key, object? body, CancellationToken cancel)
    {
        try
        {
            using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            if (key is not null)
            {
                request.Headers.Add("Idempotency-Key", key);
            }

            using var response = await shop.SendAsync(request, cancel);
            var text = await response.Content.ReadAsStringAsync(cancel);
            return new Answer(response.StatusCode, response.Headers.RetryAfter is not null, response.IsSuccessStatusCode ? JsonNode.Parse(text) : null, $"{(int)response.StatusCode} {text}");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or System.Text.Json.JsonException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return null;
        }
    }

    private sealed record Answer(HttpStatusCode Status, bool HasRetryAfter, JsonNode? Body, string Detail);
}
