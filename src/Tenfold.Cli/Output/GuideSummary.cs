using System.Globalization;
using Tenfold.Guide;

namespace Tenfold.Cli.Output;

/// <summary>A guide in a few lines.</summary>
internal static class GuideSummary
{
    public static void Write(SystemGuide guide, string file, TextWriter to)
    {
        to.WriteLine($"{guide.System}: {file} is valid");
        var table = new TextTable(["", "", ""], header: false);
        foreach (var (name, service) in guide.Services)
        {
            var scale = service.Scale;
            table.Add("service", name, $"{service.Project ?? string.Join(' ', service.Command ?? [])}; {scale.Min} to {scale.Max ?? Math.Max(scale.Min, 10)} instances of {Size(service.Instance)}");
        }

        foreach (var (name, store) in guide.Stores)
        {
            table.Add("store", name, $"{(store.Engine == StoreEngine.Postgres ? "PostgreSQL" : "Redis")}{(store.Memory is { } memory ? $", {memory}" : "")}{(store.Schema is { } schema ? $", schema {schema}" : "")}{(store.Pool is { } pool ? $", {pool.Min} to {pool.Max} connections an instance" : "")}");
        }

        table.Add("gateway", "", $"port {guide.Gateway.Port}, {Count(guide.Gateway.Routes.Count, "route")}");
        if (guide.Budgets.Count > 0)
        {
            table.Add("budgets", "", Count(guide.Budgets.Count, "route"));
        }

        foreach (var (name, test) in guide.Load)
        {
            var most = test.Stages.Max(stage => stage.Users ?? stage.Rate ?? 0).ToString("0.###", CultureInfo.InvariantCulture);
            var unit = test.Stages.Any(stage => stage.Users is not null) ? "users" : "arrivals/s";
            table.Add("load", name, $"{Count(test.Stages.Count, "stage")}, {Units.Duration(TimeSpan.FromTicks(test.Stages.Sum(stage => stage.For.Ticks)))}, up to {most} {unit}, {Count(test.Scenario.Count, "step")}");
        }

        table.Write(to);
    }

    private static string Size(InstanceSize size) => (size.Cpu, size.Memory) switch
    {
        ({ } cpu, { } memory) => $"{cpu} CPU, {memory} memory",
        ({ } cpu, null) => $"{cpu} CPU",
        (null, { } memory) => $"{memory} memory",
        _ => "no limits",
    };

    private static string Count(int n, string what) => n == 1 ? $"1 {what}" : $"{n} {what}s";
}
