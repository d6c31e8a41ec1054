using System.Globalization;
using ScalingDriver.Policies;
using ScalingDriver.Traces;

namespace ScalingDriver.Report;

/// <summary>Outcomes for people, and the ratios that have a target.</summary>
public static class Table
{
    /// <summary>A row a policy.</summary>
    public static void Write(TextWriter writer, Trace trace, IReadOnlyList<(Policy Policy, Outcome Outcome)> rows)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(trace);
        ArgumentNullException.ThrowIfNull(rows);
        writer.WriteLine();
        writer.WriteLine($"{trace.Name}: {trace.What}");
        writer.WriteLine($"  {"policy",-16}{"violations (s)",16}{"instance-seconds",18}{"most",8}{"turns",8}{"failed requests",18}{"of all",10}");
        foreach (var (policy, outcome) in rows)
        {
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {policy.Name,-16}{outcome.Violations,16:N0}{outcome.InstanceSeconds,18:N0}{outcome.Most,8}{outcome.Turns,8}{outcome.Failed,18:N0}{outcome.Failed / outcome.Requests,10:P2}"));
        }
    }

    /// <summary>Lines of ratios of one outcome to another: <c>NAME VALUE &lt;= TARGET</c>.</summary>
    public static IEnumerable<string> Ratios(string name, string peer, Outcome own, Outcome other, double violations, double instances)
    {
        ArgumentNullException.ThrowIfNull(own);
        ArgumentNullException.ThrowIfNull(other);
        yield return Line($"scaling-{name}-violations-vs-{peer}", own.Violations, other.Violations, violations);
        yield return Line($"scaling-{name}-instance-seconds-vs-{peer}", own.InstanceSeconds, other.InstanceSeconds, instances);
    }

    /// <summary>None of none is 0; some of none is infinite, written 999.</summary>
    public static string Line(string name, double a, double b, double target)
    {
        var value = b > 0 ? a / b : a > 0 ? 999 : 0;
        return string.Create(CultureInfo.InvariantCulture, $"ratio {name} {value:0.###} <= {target:0.###}");
    }
}
