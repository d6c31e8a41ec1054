using System.Globalization;
using Tenfold.Runtime.Control;
using Tenfold.Scaling;

namespace Tenfold.Cli.Output;

/// <summary>One row of the status table.</summary>
/// <param name="Cells">Text by column.</param>
/// <param name="Ready">Whether it is well.</param>
internal sealed record StatusRow(IReadOnlyList<string> Cells, bool Ready);

/// <summary>A system's status as the rows of a table: the same for <c>status</c> and for the live table of <c>up</c>.</summary>
internal static class StatusRows
{
    public static IReadOnlyList<string> Columns { get; } = ["SERVICE", "INSTANCE", "STATE", "RATE", "P95", "CPU", "MEMORY", "RESTARTS", "AGE", "NOTE"];

    public static IReadOnlyList<StatusRow> Of(SystemStatus status, DateTimeOffset now)
    {
        var rows = new List<StatusRow>();
        foreach (var service in status.Services)
        {
            foreach (var instance in service.Instances)
            {
                rows.Add(new StatusRow(
                    [
                        service.Name, instance.Name, instance.State, Units.Rate(instance.RequestsPerSecond), Units.Latency(instance.P95Milliseconds),
                        Units.Cores(instance.Cpu), Units.Bytes(instance.MemoryBytes), Number(instance.Restarts),
                        instance.Since is { } since ? Units.Duration(now - since) : "-", FirstLine(instance.Note),
                    ],
                    instance.Ready));
            }
        }

        foreach (var store in status.Stores)
        {
            rows.Add(new StatusRow(
                [
                    store.Engine, store.Name, store.State, "-", "-",
                    Units.Cores(store.Cpu), Units.Bytes(store.MemoryBytes), Number(store.Restarts), "-", store.Note is null ? Role(store, status) : FirstLine(store.Note),
                ],
                store.Ready));
        }

        return rows;
    }

    /// <summary>The line above the table.</summary>
    public static string Title(SystemStatus status, DateTimeOffset now)
    {
        var age = status.Since is { } since ? $" for {Units.Duration(now - since)}" : "";
        var gateway = status.Gateway is { } entrance
            ? $"  {entrance.Url}  {Units.Rate(entrance.RequestsPerSecond)}, p95 {Units.Latency(entrance.P95Milliseconds)}, errors {Errors(entrance.ErrorRate)}"
            : "";
        return $"{status.System} is {status.State}{age}{gateway}";
    }

    public static void Write(SystemStatus status, DateTimeOffset now, TextWriter to)
    {
        to.WriteLine(Title(status, now));
        var table = new TextTable(Columns);
        foreach (var row in Of(status, now))
        {
            table.Add([.. row.Cells]);
        }

        table.Write(to);
        foreach (var line in Scaling(status, now))
        {
            to.WriteLine(line);
        }
    }

    /// <summary>A line for each service with rules: how many there are to be, and why.</summary>
    public static IEnumerable<string> Scaling(SystemStatus status, DateTimeOffset now)
    {
        foreach (var service in status.Services)
        {
            if (service.Scaling is { } scaling)
            {
                var pinned = scaling.Pinned is { } n ? $", pinned at {n} by hand" : "";
                var change = scaling.Change is { } last ? $"; {last.From} → {last.To} {Units.Duration(now - last.At)} ago: {last.Reason}" : "";
                var held = scaling.Pinned is null && scaling.Limit is not ScalingLimit.None ? $"; now: {scaling.Now}" : "";
                yield return $"{service.Name}: {service.Wanted} wanted, {service.Ready} ready, {service.Min} to {service.Max}{pinned}{change}{held}";
            }
        }
    }

    private static string Errors(double? rate) => rate is { } share ? Units.Text(share * 100, "0.##") + "%" : "-";

    private static string Number(int n) => n.ToString(CultureInfo.InvariantCulture);

    // Where there is one server, its role is not worth a word.
    private static string Role(StoreReport store, SystemStatus status) => store.Role switch
    {
        "primary" when status.Stores.Any(other => other.Store == store.Store && other.Database == store.Database && other != store) => "primary",
        "replica" when store.Streams == false => "replica, not fed by its primary",
        "replica" => $"{(store.Synchronous == true ? "synchronous " : "")}replica, {Units.Bytes(store.LagBytes)} behind ({Units.Latency(store.LagMilliseconds)})",
        _ => "",
    };

    private static string FirstLine(string? text) => text?.Split('\n')[0] ?? "";
}
