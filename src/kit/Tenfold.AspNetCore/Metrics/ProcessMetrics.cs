using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Tenfold.AspNetCore.Metrics;

/// <summary>Processor, memory, garbage collection and thread pool of this process, under the usual Prometheus names.</summary>
internal static class ProcessMetrics
{
    public static void Write(StringBuilder text)
    {
        using var process = Process.GetCurrentProcess();
        var started = new DateTimeOffset(process.StartTime.ToUniversalTime()).ToUnixTimeMilliseconds() / 1000.0;
        Metric(text, "process_cpu_seconds_total", "counter", "Processor time used.", process.TotalProcessorTime.TotalSeconds);
        Metric(text, "process_resident_memory_bytes", "gauge", "Memory held.", process.WorkingSet64);
        Metric(text, "process_start_time_seconds", "gauge", "Start, seconds since 1970.", started);
        Metric(text, "dotnet_gc_heap_bytes", "gauge", "Managed memory in use.", GC.GetTotalMemory(forceFullCollection: false));
        Metric(text, "dotnet_gc_allocated_bytes_total", "counter", "Managed memory allocated.", GC.GetTotalAllocatedBytes());
        Metric(text, "dotnet_gc_pause_seconds_total", "counter", "Time that garbage collections stopped the process.", GC.GetTotalPauseDuration().TotalSeconds);
        text.Append("# HELP dotnet_gc_collections_total Garbage collections.\n# TYPE dotnet_gc_collections_total counter\n");
        for (var generation = 0; generation <= GC.MaxGeneration; generation++)
        {
            text.Append(CultureInfo.InvariantCulture, $"dotnet_gc_collections_total{{generation=\"{generation}\"}} {GC.CollectionCount(generation)}\n");
        }

        Metric(text, "dotnet_threadpool_threads", "gauge", "Threads of the pool.", ThreadPool.ThreadCount);
        Metric(text, "dotnet_threadpool_queue_length", "gauge", "Work waiting for a thread of the pool.", ThreadPool.PendingWorkItemCount);
        Metric(text, "dotnet_threadpool_completed_total", "counter", "Work done by the pool.", ThreadPool.CompletedWorkItemCount);
    }

    private static void Metric(StringBuilder text, string name, string type, string help, double value) =>
        text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n{name} {value:0.######}\n");
}
