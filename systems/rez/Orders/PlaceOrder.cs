using System.Globalization;
using System.Text;
using Commons.Accounts;
using Commons.Http;
using Commons.Idempotency;
using Npgsql;
using Rez.Carts;
using Rez.Stock;
using Tenfold.AspNetCore;
using Tenfold.AspNetCore.Errors;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Orders;

/// <summary>
/// <c>POST /api/orders</c>, in three steps, each a transaction of one bucket: claim the key, hold the stock at each merchant, write the
/// order and end the claim. Only the last one is waited for on the disk. Whoever dies in between leaves a claim that is taken over
/// and holds that expire; docs/rez/orders.md.
/// </summary>
internal sealed class PlaceOrder(IdempotencyKeys keys, ProductPlaces places, StockTable stock, CartTable carts, CartOwners owners, OrderTable orders, ShardedStore store, OrderOptions options, ILogger<PlaceOrder> logger)
{
    public async Task HandleAsync(HttpContext context)
    {
        var buyer = context.Identity().User;
        if (!await new QueryParameters(context).AnswerErrorsAsync(context)
            || await BoundedBody.ReadAsync(context) is not { } body
            || await IdempotencyHeader.ReadAsync(context, buyer, OrderTable.Placing, body, store.NewId(buyer)) is not { } request
            || await JsonBody.ReadAsync(context, OrdersJson.Default.OrderRequest, "order", order => order.Errors()) is not { } wanted)
        {
            return;
        }

        var claim = await keys.ClaimAsync(request, context.RequestAborted);
        if (!await IdempotencyHeader.AnswerAsync(context, claim))
        {
            return;
        }

        var attempt = new Attempt(request, wanted, claim.At, claim.At + options.PayWithin, context.Caller());
        Placed placed;
        try
        {
            placed = await CarryOutAsync(context, attempt, context.RequestAborted);
        }
        catch (Exception) when (!attempt.IsWriting)
        {
            await GiveUpAsync(attempt);
            throw;
        }

        await AnswerAsync(context, request, placed);
    }

    private async Task<Placed> CarryOutAsync(HttpContext context, Attempt attempt, CancellationToken cancel)
    {
        var items = attempt.Wanted.Wanted() ?? await InCartAsync(context, attempt.Caller, cancel);
        if (items.Count == 0)
        {
            return await RefuseAsync(attempt, "The cart is empty: nothing was ordered.");
        }

        var merchants = await places.MerchantsOfAsync([.. items.Select(item => item.ProductId)], attempt.Caller, cancel);
        var lines = new List<OrderLine>(items.Count);
        var wrong = new Dictionary<string, string[]>(StringComparer.Ordinal);
        Lack(wrong, items.Where(item => !merchants.ContainsKey(item.ProductId)).Select(item => new HeldProduct(item.ProductId, null, null, 0, false)), items);
        // In one order for everybody: two orders for the last units of two merchants cannot each take one and both fail.
        foreach (var part in items.Where(item => wrong.Count == 0).GroupBy(item => merchants[item.ProductId]).OrderBy(part => store.Map.BucketOf(part.Key)).ThenBy(part => part.Key))
        {
            attempt.Held.Add(part.Key);
            var held = await stock.HoldAsync(part.Key, attempt.Request.Attempt, [.. part], attempt.Until, null, cancel);
            if (held.Exists(product => !product.Held))
            {
                attempt.Held.Remove(part.Key);
                Lack(wrong, held, items);
                break;
            }

            var quantities = part.ToDictionary(item => item.ProductId, item => item.Quantity);
            lines.AddRange(held.Select(product => new OrderLine(product.ProductId, part.Key, quantities[product.ProductId], product.PriceCents!.Value, product.Name!)));
        }

        if (wrong.Count > 0)
        {
            return await RefuseAsync(attempt, "Nothing was ordered: " + string.Join("; ", wrong.Select(error => $"{error.Key} {error.Value[0]}")) + ".", wrong);
        }

        attempt.IsWriting = true;
        try
        {
            // From here on it is carried through, whether its client stays or not.
            return new Placed(StatusCodes.Status201Created, await orders.PlaceAsync(attempt.Request, new NewOrder(attempt.Wanted.ShipTo.Trim(), lines, attempt.At, attempt.Until), attempt.Caller, CancellationToken.None));
        }
        catch (PostgresException fenced) when (fenced.SqlState is IdempotencyKeys.TakenOver or OrderTable.TooLate)
        {
            await GiveUpAsync(attempt);
            return new Placed(
                StatusCodes.Status503ServiceUnavailable,
                fenced.SqlState == OrderTable.TooLate
                    ? "Placing the order took so long that what it held is free again: nothing was ordered. Send the request again with the same Idempotency-Key."
                    : "Placing the order took so long that another request with this Idempotency-Key took over. Send the request again to see what became of it.");
        }
    }

    private async Task<IReadOnlyList<Wanted>> InCartAsync(HttpContext context, Caller caller, CancellationToken cancel)
    {
        var owner = await owners.FindAsync(context, cancel); // merges what the buyer has chosen as a guest
        return [.. (await carts.ListAsync(owner!, caller, cancel)).Select(item => new Wanted(item.ProductId, item.Quantity))];
    }

    private static void Lack(Dictionary<string, string[]> wrong, IEnumerable<HeldProduct> products, IReadOnlyList<Wanted> items)
    {
        foreach (var product in products)
        {
            var quantity = items.First(item => item.ProductId == product.ProductId).Quantity;
            if (product.Name is null || product.Available < quantity)
            {
                wrong[string.Create(CultureInfo.InvariantCulture, $"product {product.ProductId}")] =
                    [product.Name is null ? "is not offered" : product.Available == 0 ? "is sold out" : $"has {product.Available} left, {quantity} were wanted"];
            }
        }
    }

    private async Task<Placed> RefuseAsync(Attempt attempt, string why, Dictionary<string, string[]>? errors = null)
    {
        await GiveUpAsync(attempt);
        return new Placed(StatusCodes.Status409Conflict, why, errors);
    }

    /// <summary>Nothing has happened: what was held is free at once, and so is the key. What cannot be reached now expires.</summary>
    private async Task GiveUpAsync(Attempt attempt)
    {
        try
        {
            foreach (var merchant in attempt.Held)
            {
                await stock.ReleaseAsync(merchant, attempt.Request.Attempt, CancellationToken.None);
            }

            await keys.FreeAsync(attempt.Request, CancellationToken.None);
        }
        catch (Exception e) when (e is NpgsqlException or PostgresStoreException or ShardException or IOException or TimeoutException)
        {
            logger.LogDebug(e, "What order {Order} holds is left to expire", attempt.Request.Attempt);
        }
    }

    private static async Task AnswerAsync(HttpContext context, IdempotentRequest request, Placed placed)
    {
        if (placed.Status != StatusCodes.Status201Created)
        {
            if (placed.Status == StatusCodes.Status503ServiceUnavailable)
            {
                context.Response.Headers.RetryAfter = "1";
            }

            await Problem.WriteAsync(context, placed.Status, placed.Text, placed.Errors);
            return;
        }

        context.Response.Headers.Location = $"/api/orders/{request.Attempt}";
        context.Response.Headers.CacheControl = "no-store";
        using var reply = new Reply();
        reply.Add(Encoding.UTF8.GetBytes(placed.Text));
        await reply.SendAsync(context, StatusCodes.Status201Created);
    }

    /// <summary>One try to carry out a request; its id is the order's.</summary>
    private sealed record Attempt(IdempotentRequest Request, OrderRequest Wanted, DateTime At, DateTime Until, Caller Caller)
    {
        /// <summary>Merchants at which something may be held.</summary>
        public List<int> Held { get; } = [];

        /// <summary>Whether the order may have been written.</summary>
        public bool IsWriting { get; set; }
    }

    /// <summary>The order's JSON, or what to say instead.</summary>
    private sealed record Placed(int Status, string Text, Dictionary<string, string[]>? Errors = null);
}
