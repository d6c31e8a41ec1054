using Commons.Accounts;
using Commons.Http;
using Commons.Idempotency;
using Commons.Mail;
using Commons.OpenApi;
using Rez.Stock;
using Tenfold.Jobs;
using Tenfold.Jobs.Outbox;
using Tenfold.Jobs.Schedules;
using static Commons.OpenApi.CommonParameters;

namespace Rez.Orders;

/// <summary>Orders, the stock that they take, and what is told of them.</summary>
internal static class OrdersRoutes
{
    private static readonly Parameter OrderId = new("id", typeof(string), "The id.") { InPath = true, Required = true };

    private static readonly Parameter OfStatus = new("status", typeof(string), "Only those of this status") { Choices = [.. OrderStates.Names.Keys] };

    private static readonly Operation PlaceOrderOperation = new(
        "placeOrder", "Orders products, or what is in the cart, all or nothing. They are held until expiresAt; the order is cancelled when it is not paid by then.", typeof(Item<OrderShown>), IdempotencyHeader.Parameter)
    { Body = typeof(OrderRequest), Status = 201, Access = Access.User, Problems = [409, 413, 415, 422] };

    private static readonly Operation ListOrdersOperation = new(
        "listOrders", "One's own orders, the newest first", typeof(KeysetPage<OrderSummaryShown>), OfStatus, KeysetParameters.Limit, KeysetParameters.Cursor) { Access = Access.User };

    private static readonly Operation GetOrderOperation = new("getOrder", "An order with its parts, payment and history: one's own; an administrator's any", typeof(Item<OrderShown>), OrderId) { Access = Access.User, Problems = [404] };

    private static readonly Operation OrderEventsOperation = new(
        "orderEvents", "Server-sent events about an order, all of them or those after Last-Event-ID; the stream ends when nothing more is to be expected", typeof(string), OrderId,
        new Parameter("Last-Event-ID", typeof(string), "The last event that was seen.") { InHeader = true })
    { AnswerType = "text/event-stream", Access = Access.User, Problems = [404] };

    private static readonly Operation CancelOrderOperation = new(
        "cancelOrder", "Cancels an order of which nothing was shipped; what was paid goes back", typeof(Item<OrderShown>), OrderId) { Access = Access.User, Problems = [404, 409] };

    private static readonly Operation ListMerchantOrdersOperation = new(
        "listMerchantOrders", "A merchant's parts of orders, the newest first", typeof(KeysetPage<MerchantOrderShown>), Id, OfStatus, KeysetParameters.Limit, KeysetParameters.Cursor) { Access = Access.Staff, Problems = [404] };

    private static readonly Operation ListAllOrdersOperation = new(
        "listAllOrders", "Everybody's orders, the newest first", typeof(KeysetPage<OrderSummaryShown>), OfStatus, KeysetParameters.Limit, KeysetParameters.Cursor) { Access = Access.Admin };

    private static readonly Operation RefundOrderOperation = new(
        "refundOrder", "Gives a paid order's money back, shipped or not; what was not shipped goes back to the stock", typeof(Item<OrderShown>), OrderId) { Access = Access.Admin, Problems = [404, 409] };

    public static void AddOrders(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSingleton(OrderOptions.Read(configuration));
        services.AddSingleton(MailOptions.Read(configuration, "rez"));
        services.AddSingleton<Mailer>();
        services.AddSingleton<IdempotencyKeys>();
        services.AddSingleton<ProductPlaces>();
        services.AddSingleton<StockTable>();
        services.AddSingleton<StockEndpoints>();
        services.AddSingleton<OrderTold>();
        services.AddSingleton<OrderTable>();
        services.AddSingleton<OrderQueries>();
        services.AddSingleton<OrderMoves>();
        services.AddSingleton<OrderSweeper>();
        services.AddSingleton<OrderWatch>();
        services.AddHostedService(provider => provider.GetRequiredService<OrderWatch>());
        services.AddSingleton<PlaceOrder>();
        services.AddSingleton<ReadOrders>();
        services.AddSingleton<MoveOrders>();
        services.AddSingleton<OrderEvents>();
        services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.TypeInfoResolverChain.Add(OrdersJson.Default);
            json.SerializerOptions.TypeInfoResolverChain.Add(StockJson.Default);
        });
    }

    /// <summary>What is done every minute, and where events go beside mail.</summary>
    public static void AddOrders(this JobOptions jobs, IConfiguration configuration)
    {
        jobs.Cron("orders-sweep", "* * * * *", "UTC", new SweepOrders(), new EnqueueOptions { Unique = new JobUnique("orders-sweep") });
        var options = OrderOptions.Read(configuration);
        if (options.WebhookSecret is { } secret)
        {
            jobs.AddOutbox(outbox => outbox.Secrets[OrderTold.Secret] = secret);
        }
        else if (options.Stream is not null)
        {
            jobs.AddOutbox();
        }
    }

    public static void MapOrders(this RouteTable routes)
    {
        var (read, move) = (routes.Of<ReadOrders>(), routes.Of<MoveOrders>());
        routes.Map("POST", "/api/orders", routes.Of<PlaceOrder>().HandleAsync, PlaceOrderOperation);
        routes.Map("GET", "/api/orders", read.ListAsync, ListOrdersOperation);
        routes.Map("GET", "/api/orders/{id}", read.GetAsync, GetOrderOperation);
        routes.Map("GET", "/api/orders/{id}/events", routes.Of<OrderEvents>().HandleAsync, OrderEventsOperation);
        routes.Map("POST", "/api/orders/{id}/cancel", move.CancelAsync, CancelOrderOperation);
        routes.Map("GET", "/api/merchants/{id}/orders", read.ListOfMerchantAsync, ListMerchantOrdersOperation);
        routes.Map("POST", "/api/merchant-orders/{id}/ship", move.ShipAsync, OfPart("shipMerchantOrder", "Notes that a merchant's part of a paid order was shipped"));
        routes.Map("POST", "/api/merchant-orders/{id}/deliver", move.DeliverAsync, OfPart("deliverMerchantOrder", "Notes that a merchant's part of an order has arrived"));
        routes.Map("POST", "/api/merchant-orders/{id}/cancel", move.CancelPartAsync, OfPart("cancelMerchantOrder", "Cancels the whole order, as a merchant of it: nothing of it may have been shipped; what was paid goes back"));
        routes.Map("GET", "/api/admin/orders", read.ListAllAsync, ListAllOrdersOperation);
        routes.Map("POST", "/api/admin/orders/{id}/refund", move.RefundAsync, RefundOrderOperation);
        routes.Of<StockEndpoints>().Map(routes);
    }

    private static Operation OfPart(string id, string summary) => new(id, summary, typeof(Item<MerchantOrderShown>), OrderId) { Access = Access.Staff, Problems = [404, 409] };
}
