using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Tenfold.AspNetCore.Tracing;

/// <summary>
/// Sends traces over OTLP when the standard environment variables ask for it: <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> or
/// <c>OTEL_EXPORTER_OTLP_TRACES_ENDPOINT</c>, unless <c>OTEL_SDK_DISABLED</c> is true or <c>OTEL_TRACES_EXPORTER</c> is none. The other
/// <c>OTEL_…</c> variables (protocol, headers, sampler, service name) mean what OpenTelemetry says.
/// </summary>
internal static class Traces
{
    public static bool AreWanted(IConfiguration configuration) =>
        (Has(configuration, "OTEL_EXPORTER_OTLP_ENDPOINT") || Has(configuration, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"))
        && !string.Equals(configuration["OTEL_SDK_DISABLED"], "true", StringComparison.OrdinalIgnoreCase)
        && configuration["OTEL_TRACES_EXPORTER"] is null or "" or "otlp";

    public static void Add(IServiceCollection services, IConfiguration configuration)
    {
        if (!AreWanted(configuration))
        {
            return;
        }

        services.AddHostedService(provider => new Exporter(configuration, provider));
    }

    private static bool Has(IConfiguration configuration, string name) => configuration[name] is { Length: > 0 };

    private sealed class Exporter(IConfiguration configuration, IServiceProvider provider) : IHostedService, IDisposable
    {
        private TracerProvider? _traces;

        public Task StartAsync(CancellationToken cancellationToken)
        {
            var service = configuration["OTEL_SERVICE_NAME"] ?? configuration["TENFOLD_SERVICE"] ?? provider.GetRequiredService<IHostEnvironment>().ApplicationName;
            _traces = Sdk.CreateTracerProviderBuilder()
                .ConfigureServices(services => services.AddSingleton(configuration))
                .ConfigureResource(resource => resource.AddService(service, serviceInstanceId: configuration["TENFOLD_INSTANCE"]))
                .AddSource("Microsoft.AspNetCore", "System.Net.Http", "Npgsql", "Tenfold.*")
                .AddOtlpExporter()
                .Build();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken)
        {
            _traces?.ForceFlush(2000);
            return Task.CompletedTask;
        }

        public void Dispose() => _traces?.Dispose();
    }
}
