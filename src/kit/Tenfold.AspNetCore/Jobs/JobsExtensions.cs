using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Tenfold.Jobs;

namespace Tenfold.AspNetCore.Jobs;

/// <summary>Background jobs in an app with <c>AddTenfold()</c>.</summary>
public static class JobsExtensions
{
    private static readonly TimeSpan LeftToStop = TimeSpan.FromSeconds(5); // of the app's drain, for giving back what is still held

    /// <summary>
    /// Jobs in the PostgreSQL of the guide's queues (<c>main</c> without a guide), in each of its databases. Handlers are found in the
    /// assembly of the JSON context. This process works on the queues that the guide gives its service: by default those of the service <c>worker</c> where there is
    /// one, else every service works; outside a system it works on all. Call it after <c>AddTenfold()</c>.
    /// </summary>
    /// <param name="builder">The app.</param>
    /// <param name="json">Describes the jobs (<c>[JsonSerializable(typeof(MyJob))]</c>).</param>
    /// <param name="configure">What is not in the guide.</param>
    /// <exception cref="InvalidOperationException">Two handlers for a job, a job without JSON, no PostgreSQL for them.</exception>
    public static WebApplicationBuilder AddJobs(this WebApplicationBuilder builder, JsonSerializerContext json, Action<JobOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(json);
        var tenfold = builder.Services.FirstOrDefault(service => service.ServiceType == typeof(TenfoldOptions))?.ImplementationInstance as TenfoldOptions
            ?? throw new InvalidOperationException("AddJobs() comes after AddTenfold()");
        var instance = builder.Services.FirstOrDefault(service => service.ServiceType == typeof(InstanceGuide))?.ImplementationInstance as InstanceGuide;
        var options = new JobOptions { Store = instance?.Guide.JobStore ?? "main" };
        options.Json.Add(json);
        foreach (var (name, queue) in instance is null ? [] : GuideQueues.Of(instance.Guide))
        {
            options.Queues[name] = queue;
        }

        options.Drain = tenfold.Drain > 2 * LeftToStop ? tenfold.Drain - LeftToStop : tenfold.Drain / 2;
        configure?.Invoke(options);
        builder.Services.AddJobs(
            options,
            $"{builder.Configuration["TENFOLD_INSTANCE"] ?? Environment.MachineName}:{Environment.ProcessId}",
            instance is null ? null : queue => instance.Guide.WorksOn(builder.Configuration["TENFOLD_SERVICE"]!, queue));
        return builder;
    }
}
