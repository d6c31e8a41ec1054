using System.Net;
using System.Text.Json;
using Commons.Accounts;
using Rez.Orders;
using Tenfold.Postgres.Shards;

namespace Rez.Tests.Orders;

/// <summary>What is told of an order.</summary>
public sealed class OrderEventsTests(Shop shop)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_stream_tells_what_happens_and_another_instance_goes_on_where_it_broke_off()
    {
        var buyer = await shop.LogIn(Access.Customer);
        var order = await buyer.Http.PlaceAsync((3401, 1));
        var path = $"/api/orders/{order.Id()}/events";
        using (var response = await buyer.Http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, Cancel))
        {
            Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
            using var stream = new StreamReader(await response.Content.ReadAsStreamAsync(Cancel));
            Assert.Equal(("1", "order.placed", "pending"), await NextAsync(stream));
            await ApplyAsync(order, OrderAction.Pay);
            Assert.Equal(("2", "order.paid", "paid"), await NextAsync(stream));
        }

        await ApplyAsync(order, OrderAction.Cancel);
        var (app, http) = await Shop.StartAsync(shop.ConnectionString);
        await using (app)
        {
            http.DefaultRequestHeaders.Authorization = buyer.Http.DefaultRequestHeaders.Authorization;
            using var rest = await AfterAsync(http, path, "2");
            using var stream = new StreamReader(await rest.Content.ReadAsStreamAsync(Cancel));
            Assert.Equal(("3", "order.refunded", "refunded"), await NextAsync(stream));
            Assert.Null(await stream.ReadLineAsync(Cancel)); // nothing more is to be expected
            using var over = await AfterAsync(http, path, "3");
            Assert.Equal(HttpStatusCode.NoContent, over.StatusCode);
            http.Dispose();
        }
    }

    [Fact]
    public async Task The_buyer_gets_a_mail_of_each_event()
    {
        var buyer = await shop.LogIn(Access.Customer);
        var order = await buyer.Http.PlaceAsync((3402, 1));
        await ApplyAsync(order, OrderAction.Cancel);
        foreach (var (number, subject) in new[] { (1, $"Your order {order.Id()}"), (2, $"Your order {order.Id()} is cancelled") })
        {
            var file = Path.Combine(Shop.MailFolder, $"order-{order.Id()}-{number}.eml");
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            limit.CancelAfter(Shop.Wait);
            while (!File.Exists(file))
            {
                await Task.Delay(10, limit.Token);
            }

            var mail = await File.ReadAllLinesAsync(file, Cancel);
            Assert.Contains($"Message-ID: <order-{order.Id()}-{number}@rez.example>", mail, StringComparer.OrdinalIgnoreCase);
            Assert.Contains(mail, line => line.StartsWith("To: ", StringComparison.OrdinalIgnoreCase) && line.Contains("@test.example", StringComparison.Ordinal));
            Assert.Contains($"Subject: {subject}", mail);
        }
    }

    private Task<OrderMove> ApplyAsync(JsonElement order, OrderAction action)
    {
        var id = new ShardId(long.Parse(order.Id(), null));
        return shop.Service<ShardedStore>().WriteAsync(id, (write, token) => shop.Service<OrderMoves>().ApplyAsync(write, id, action, "system", token), null, Cancel);
    }

    private static Task<HttpResponseMessage> AfterAsync(HttpClient http, string path, string last)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Last-Event-ID", last);
        return http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
    }

    private static async Task<(string Id, string Kind, string Status)> NextAsync(StreamReader stream)
    {
        var (id, kind, status) = ("", "", "");
        while (await stream.ReadLineAsync(Cancel).AsTask().WaitAsync(Shop.Wait, Cancel) is { } line)
        {
            switch (line.Split(": ", 2))
            {
                case ["id", var text]:
                    id = text;
                    break;
                case ["event", var text]:
                    kind = text;
                    break;
                case ["data", var text]:
                    status = JsonDocument.Parse(text).RootElement.GetProperty("status").GetString()!;
                    break;
                case [""] when id.Length > 0:
                    return (id, kind, status);
                default:
                    break;
            }
        }

        throw new EndOfStreamException("The stream ended.");
    }
}
