using System.Text.Json;

namespace PaymentSimulator;

/// <summary>
/// A payment provider for tests and demonstrations, which speaks a part of Stripe's API: intents, captures, refunds, search, signed events. What it
/// has said it has done is kept, whatever happens to its process.
/// </summary>
internal static class SimulatorApp
{
    private const int MostBody = 64 << 10; // bytes

    /// <returns>Exit code: 0 stopped, 2 wrong configuration.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        try
        {
            await using var app = Build(args);
            await app.RunAsync();
            return 0;
        }
        catch (Exception wrong) when (wrong is InvalidOperationException or InvalidDataException or IOException)
        {
            await Console.Error.WriteLineAsync("payment-simulator: " + wrong.Message);
            return 2;
        }
    }

    /// <summary>The app, not started.</summary>
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(args);
        var options = SimulatorOptions.Read(builder.Configuration);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = MostBody);
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning); // not a line for each request
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton(_ => new Ledger(options.Data));
        builder.Services.AddSingleton<Fates>();
        builder.Services.AddSingleton<Requests>();
        builder.Services.AddSingleton<Intents>();
        builder.Services.AddSingleton<Refunds>();
        builder.Services.AddSingleton<Webhooks>();
        builder.Services.AddHostedService(services => services.GetRequiredService<Webhooks>());
        var app = builder.Build();
        Map(app, options);
        return app;
    }

    private static void Map(WebApplication app, SimulatorOptions options)
    {
        var of = app.Services;
        var (ledger, fates, requests) = (of.GetRequiredService<Ledger>(), of.GetRequiredService<Fates>(), of.GetRequiredService<Requests>());
        fates.Control = ledger.Control ?? fates.Control;
        var (intents, refunds) = (of.GetRequiredService<Intents>(), of.GetRequiredService<Refunds>());
        app.MapGet("/health", (RequestDelegate)(context => context.Response.WriteAsync("ok")));
        var routes = app.MapGroup(options.PathBase);
        routes.MapPost("/v1/payment_intents", requests.Guarded(intents.CreateAsync));
        routes.MapGet("/v1/payment_intents/search", requests.Guarded(intents.SearchAsync));
        routes.MapGet("/v1/payment_intents/{id}", requests.Guarded(intents.GetAsync));
        routes.MapPost("/v1/payment_intents/{id}/capture", requests.Guarded(intents.CaptureAsync));
        routes.MapPost("/v1/payment_intents/{id}/cancel", requests.Guarded(intents.CancelAsync));
        routes.MapPost("/v1/refunds", requests.Guarded(refunds.CreateAsync));
        routes.MapGet("/v1/refunds", requests.Guarded(refunds.ListAsync));
        // For judges: what was really charged and given back; all of it, or of ?metadata=NAME&value=VALUE.
        routes.MapGet("/ledger", requests.Guarded(context => Requests.AnswerAsync(
            context, 200, ledger.View(context.Request.Query["metadata"] is [{ Length: > 0 } name] ? name : null, context.Request.Query["value"].ToString()), SimulatorJson.Default.LedgerView)));
        routes.MapGet("/control", requests.Guarded(context => Requests.AnswerAsync(context, 200, fates.Control, SimulatorJson.Default.Control)));
        routes.MapPut("/control", requests.Guarded(context => SetControlAsync(context, ledger, fates)));
    }

    private static async Task SetControlAsync(HttpContext context, Ledger ledger, Fates fates)
    {
        Control? control;
        try
        {
            control = await JsonSerializer.DeserializeAsync(context.Request.Body, SimulatorJson.Default.Control, context.RequestAborted);
        }
        catch (JsonException wrong)
        {
            throw RequestFields.Wrong("parameter_invalid", "The body cannot be read: " + wrong.Message);
        }

        if ((control is null ? "the body is null" : control.Problem()) is { } problem)
        {
            throw RequestFields.Wrong("parameter_invalid", problem + ".");
        }

        ledger.Commit(() => new Entry { Control = control });
        fates.Control = control!;
        await Requests.AnswerAsync(context, 200, control!, SimulatorJson.Default.Control);
    }
}
