using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Tenfold.AspNetCore.Caching;
using Tenfold.AspNetCore.Health;
using Tenfold.AspNetCore.Listening;
using Tenfold.AspNetCore.Metrics;
using Tenfold.AspNetCore.Partitions;
using Tenfold.AspNetCore.RateLimiting;
using Tenfold.AspNetCore.Sessions;
using Tenfold.AspNetCore.Stores;
using Tenfold.AspNetCore.Tracing;

namespace Tenfold.AspNetCore;

/// <summary>Makes an ASP.NET Core app a well-behaved instance of a Tenfold system.</summary>
public static class TenfoldExtensions
{
    /// <summary>
    /// Reads the instance contract from the configuration (environment): where to listen (<c>TENFOLD_SOCKET</c>,
    /// <c>ASPNETCORE_URLS</c>, <c>PORT</c>), stores (<c>ConnectionStrings__NAME</c>; a PostgreSQL is a <see cref="Tenfold.Postgres.PostgresStore"/>, <c>main</c> also without its name; the Redis called <c>cache</c> is behind <see cref="Tenfold.Caching.TenfoldCache"/>), <c>drain</c> and <c>cache</c> from the guide (<c>TENFOLD_GUIDE</c>, <c>TENFOLD_SERVICE</c>), logs as lines on stdout (<c>Logging__Console__FormatterName=json</c> for JSON).
    /// Outside Tenfold the same app starts with plain configuration.
    /// </summary>
    public static WebApplicationBuilder AddTenfold(this WebApplicationBuilder builder, Action<TenfoldOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var options = new TenfoldOptions();
        var instance = InstanceGuide.Read(builder.Configuration);
        options.Drain = instance?.Service.Drain ?? options.Drain;

        configure?.Invoke(options);

        builder.Services.AddSingleton(options);
        if (instance is not null)
        {
            builder.Services.AddSingleton(instance);
        }

        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<RequestMetrics>();
        builder.Services.AddSingleton<Readiness>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.Drain);
        AddLogs(builder);
        PostgresStores.Add(builder.Services, builder.Configuration, instance?.Guide, options);
        PartitionService.Add(builder.Services, builder.Configuration, instance?.Guide);
        CacheSetup.Add(builder, instance, options);
        AddShared(builder, instance, options);

        var listen = ListenAddress.From(builder.Configuration);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.MaxRequestBody;
            // Over-long parameters reach the app, which answers with a problem document; Kestrel's own 414 has no body.
            kestrel.Limits.MaxRequestLineSize = 256 << 10;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            listen.Apply(kestrel);
        });
        return builder;
    }

    // What instances share on Redis, and what they tell about themselves.
    private static void AddShared(WebApplicationBuilder builder, InstanceGuide? instance, TenfoldOptions options)
    {
        var services = builder.Services;
        var redis = RedisStores.Add(services, builder.Configuration);
        services.AddSingleton(RequestAddress.Behind(instance?.Guide.Gateway.TrustForwarded ?? []));
        AppRateLimits.Add(services, builder.Configuration, instance?.Guide);
        SessionSetup.Add(services, options.SessionStore ?? (redis is [var first, ..] ? first : null), instance?.Guide, builder.Environment.ApplicationName, options);
        services.AddSingleton<MeterText>();
        services.AddSingleton<MetricsWriter>(provider => provider.GetRequiredService<MeterText>().Write);
        Traces.Add(services, builder.Configuration);
        services.AddHostedService(provider => new Lacks(Lacks.Of(instance is not null, redis.Count > 0), provider.GetRequiredService<ILogger<Lacks>>()));
    }

    /// <summary>
    /// First in the pipeline: counts and times every request, turns every error into <c>application/problem+json</c>,
    /// answers HEAD wherever GET is answered, enforces the guide's rate limits that say <c>at: app</c>, gives endpoints with
    /// <c>WithSession()</c> their session, and maps <c>/health</c> (also <c>/health/ready</c>), <c>/health/live</c> and <c>/metrics</c>.
    /// </summary>
    public static WebApplication UseTenfold(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.Use(HeadAsGetAsync);
        app.UseRouting(); // after the line above, and before the metrics, which go by route
        app.UseMiddleware<InstancePipeline>();
        if (app.Services.GetService<AppRateLimits>() is not null)
        {
            app.UseMiddleware<RateLimitMiddleware>();
        }

        SessionSetup.Use(app);
        var own = app.MapGroup("").WithMetadata(new NotCounted());
        own.MapGet("/health", app.Services.GetRequiredService<Readiness>().AnswerAsync);
        own.MapGet("/health/ready", app.Services.GetRequiredService<Readiness>().AnswerAsync);
        own.MapGet("/health/live", Readiness.AnswerLiveAsync);
        own.MapGet("/metrics", app.Services.GetRequiredService<RequestMetrics>().AnswerAsync);
        return app;
    }

    /// <summary>HEAD is GET without the body (RFC 9110, 9.3.2): the server leaves it out, because it goes by what was received.</summary>
    private static async Task HeadAsGetAsync(HttpContext context, RequestDelegate next)
    {
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await next(context);
            return;
        }

        context.Request.Method = HttpMethods.Get;
        try
        {
            await next(context);
        }
        finally
        {
            context.Request.Method = HttpMethods.Head;
        }
    }

    private static void AddLogs(WebApplicationBuilder builder)
    {
        builder.Logging.ClearProviders();
        builder.Logging.AddConsole();
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft.AspNetCore.DataProtection", LogLevel.Error); // it warns of keys without a certificate, as on any Redis
        builder.Logging.AddFilter("Npgsql", LogLevel.Warning);
        if (builder.Configuration["Logging:Console:FormatterName"] is null)
        {
            builder.Services.Configure<ConsoleLoggerOptions>(console => console.FormatterName = ConsoleFormatterNames.Simple);
        }

        builder.Services.Configure<SimpleConsoleFormatterOptions>(line =>
        {
            line.SingleLine = true;
            line.UseUtcTimestamp = true;
            line.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
            line.ColorBehavior = LoggerColorBehavior.Disabled;
        });
        builder.Services.Configure<JsonConsoleFormatterOptions>(line =>
        {
            line.UseUtcTimestamp = true;
            line.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";
        });
    }
}
