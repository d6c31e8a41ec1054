using System.Text.Json.Serialization;
using Commons.Accounts;
using Commons.Http;
using Commons.OpenApi;
using Rez.Admin;
using Rez.Carts;
using Rez.Categories;
using Rez.Commands;
using Rez.Images;
using Rez.Imports;
using Rez.Merchants;
using Rez.Orders;
using Rez.Payments;
using Rez.Products;
using Rez.Reviews;
using Rez.Search;
using Rez.Seed;
using Rez.Stores;
using Tenfold.AspNetCore;
using Tenfold.AspNetCore.Jobs;
using Tenfold.Jobs;
using Tenfold.Jobs.Schedules;
using Tenfold.Postgres.Shards;

namespace Rez;

/// <summary>The marketplace: serves it, or with the argument <c>seed</c> fills it, or with <c>tokens</c> logs customers in for a load test.</summary>
public static class RezApp
{
    // Of a load: hundreds of thousands of rows are one statement.
    private static readonly TimeSpan LongestStatement = TimeSpan.FromHours(1);

    /// <returns>Exit code: 0 stopped or seeded, 1 refused, 2 wrong arguments or configuration.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        if (args is ["seed", .. var rest])
        {
            return await SeedAsync(rest);
        }

        if (args is ["admin", .. var asked])
        {
            return await AdminAsync(asked);
        }

        if (args is ["tokens", .. var options])
        {
            return await TokensAsync(options);
        }

        if (NewBuilder(args) is var builder && builder.Configuration.GetConnectionString("main") is not { Length: > 0 })
        {
            await Console.Error.WriteLineAsync("rez needs its PostgreSQL: set ConnectionStrings__main (Npgsql keywords), or start it with 'tenfold up rez'.");
            return 2;
        }

        await using var app = Build(builder);
        await app.RunAsync();
        return 0;
    }

    internal static WebApplicationBuilder NewBuilder(string[] args) => WebApplication.CreateSlimBuilder(args);

    /// <summary>The app, not started.</summary>
    internal static WebApplication Build(WebApplicationBuilder builder, Action<TenfoldOptions>? configure = null)
    {
        builder.AddTenfold(options =>
        {
            options.UseShards("main"); // also while it is a single database: buckets can be moved from the first day on
            options.CacheAccounts();
            configure?.Invoke(options);
        });
        builder.AddJobs(RezJson.Default, jobs =>
        {
            jobs.AddOrders(builder.Configuration);
            jobs.Cron("suggestions", RefreshSuggestions.Schedule, "UTC", new RefreshSuggestions(), new EnqueueOptions { Unique = new JobUnique("suggestions") })
                .Cron("images.tend", TendImages.Schedule, "UTC", new TendImages(), new EnqueueOptions { Unique = new JobUnique("tend") });
        });
        AddFeatures(builder.Services, builder.Configuration);
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, RezJson.Default);
            json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
        });
        builder.Services.AddOpenApiDocument("rez", "The marketplace.");
        var app = builder.Build();
        app.UseTenfold();
        app.UseAccounts();
        MapFeatures(app);
        return app;
    }

    private static void AddFeatures(IServiceCollection services, IConfiguration configuration)
    {
        services.AddAccounts(new AccountsOptions { System = "rez" });
        services.AddAdmin();
        services.AddSearch();
        services.AddProducts();
        services.AddCategories();
        services.AddStores();
        services.AddMerchants();
        services.AddImports();
        services.AddImages();
        services.AddPayments();
        services.AddOrders(configuration);
        services.AddCarts();
        services.AddReviews();
    }

    private static void MapFeatures(WebApplication app)
    {
        app.MapOpenApi("/openapi/{documentName}.json");
        var routes = new RouteTable(app);
        routes.MapAccounts();
        routes.MapAdmin();
        routes.MapProducts();
        routes.MapCategories();
        routes.MapStores();
        routes.MapMerchants();
        routes.MapImports();
        routes.MapImages();
        routes.MapPayments();
        routes.MapSearch();
        routes.MapCarts();
        routes.MapReviews();
        routes.MapOrders();
    }

    private static Task<int> AdminAsync(string[] args) => WithStoreAsync("admin", null, (app, _, cancel) => AdminCommand.RunAsync(
        args, Environment.GetEnvironmentVariable(AdminCommand.PasswordVariable), Console.In, Console.Out, Console.Error, app.Services.GetRequiredService<AccountAdmin>(), cancel));

    private static async Task<int> SeedAsync(string[] args)
    {
        var products = args switch
        {
            [] => 250_000,
            ["--products", var count] when int.TryParse(count, out var number) && number is >= 100 and <= 10_000_000 => number,
            _ => 0,
        };
        if (products == 0)
        {
            await Console.Error.WriteLineAsync("usage: rez seed [--products N]    N from 100 to 10000000, 250000 when not given");
            return 2;
        }

        return await WithStoreAsync(
            "seed",
            options => options.StatementTimeout = LongestStatement,
            (app, store, cancel) => new SeedCommand(store.Home.Writer(), new Dataset(products), Console.WriteLine, store).RunAsync(cancel));
    }

    private static async Task<int> TokensAsync(string[] args)
    {
        if (args is not ["--count", var text] || !int.TryParse(text, out var count) || count is < 1 or > TokensCommand.Most)
        {
            await Console.Error.WriteLineAsync($"usage: rez tokens --count N    N from 1 to {TokensCommand.Most}");
            return 2;
        }

        return await WithStoreAsync("tokens", null, (app, store, cancel) =>
            new TokensCommand(store, app.Services.GetRequiredService<Sessions>()).RunAsync(count, Console.Out, Console.Error, cancel));
    }

    /// <summary>Runs a command on the stores of an app that is not started.</summary>
    private static async Task<int> WithStoreAsync(string command, Action<TenfoldOptions>? configure, Func<WebApplication, ShardedStore, CancellationToken, Task<int>> run)
    {
        var builder = NewBuilder([]);
        if (builder.Configuration.GetConnectionString("main") is not { Length: > 0 })
        {
            await Console.Error.WriteLineAsync($"rez {command} needs its PostgreSQL: set ConnectionStrings__main (Npgsql keywords), or run it with 'tenfold run rez api {command}'.");
            return 2;
        }

        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, key) =>
        {
            key.Cancel = true;
            stop.Cancel();
        };
        await using var app = Build(builder, configure);
        var store = app.Services.GetRequiredService<ShardedStore>();
        await store.StartAsync(stop.Token);
        return await run(app, store, stop.Token);
    }
}
