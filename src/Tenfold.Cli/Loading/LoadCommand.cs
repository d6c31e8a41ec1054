using Tenfold.Cli.Edge;
using Tenfold.Guide;
using Tenfold.Load;
using Tenfold.Load.Reports;
using Tenfold.Load.Results;
using Tenfold.Load.Running;
using Tenfold.Load.Verdicts;
using Tenfold.Runtime.Scaling;

namespace Tenfold.Cli.Loading;

/// <summary>Runs a guide's load test: progress to stderr, the report to stdout.</summary>
internal static class LoadCommand
{
    private const int MostThreads = 64;
    private const int MostArrivals = 1_000_000;

    /// <returns>0 limits met, 1 missed, 2 wrong usage or guide, 3 nothing listens or the machine lacks something, 4 invalid, 130 ended by Ctrl-C.</returns>
    public static async Task<int> RunAsync(Shell shell, LoadRequest request, Func<string, CancellationToken, Task<RunningSystem?>> findRunning, CancellationToken cancellationToken)
    {
        try
        {
            var guide = Systems.Read(shell, request.System).Guide;
            var (name, test) = FindTest(guide, request.Test);
            var running = request.Target is null ? await findRunning(guide.System, cancellationToken) : null;
            var options = Options(request, guide, name, running);
            options = options with { Data = await LoadTables.ReadAsync(test, guide, running, cancellationToken) };
            await using var json = request.Json is null or "-" ? null : ReportFile.Open(Path.GetFullPath(request.Json, shell.Folder));
            var display = new ProgressDisplay(shell.Error, InPlace(shell));
            var before = running is null ? null : await running.ReadMetrics(cancellationToken);
            var begun = shell.Time.GetUtcNow();
            var result = await LoadRunner.RunAsync(test, guide.Budgets, options, display.Show, display.Every, cancellationToken);
            display.Clear();
            // Interrupted or not, the report is wanted: this look has its own limit.
            var after = running is null ? null : await running.ReadMetrics(CancellationToken.None);
            result = before is null || after is null ? result : result with { Cache = CacheUse.Between(before, after) };
            var decisions = running is null ? [] : await running.ReadDecisions(CancellationToken.None);
            result = result with { Marks = Marks(decisions, begun, shell.Time.GetUtcNow()) };
            var verdict = LoadVerdict.Of(result, guide.Budgets, test.LimitsIn(guide));
            shell.Out.Write(request.Json == "-" ? JsonReport.Of(result, verdict) : TextReport.Of(result, verdict));
            if (json is not null)
            {
                await json.WriteAsync(JsonReport.Of(result, verdict));
            }

            return verdict.ExitCode;
        }
        catch (LoadException e)
        {
            var hint = e.Fault == LoadFault.Target && request.Target is null ? $"; start it with: tenfold up {request.System}" : "";
            shell.Error.WriteLine($"tenfold: {e.Message}{hint}");
            return e.Fault == LoadFault.Usage ? ExitCode.Usage : ExitCode.Machine;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ExitCode.Interrupted; // before the test began
        }
    }

    /// <summary>Changes of the number of instances while a test ran, by the time since its beginning.</summary>
    internal static IReadOnlyList<LoadMark> Marks(IReadOnlyList<ScalingDecision> decisions, DateTimeOffset begun, DateTimeOffset ended) =>
        [.. decisions.Where(one => one.From != one.To && one.At >= begun && one.At <= ended).Select(one => new LoadMark(one.At - begun, one.Service, one.From, one.To, one.Reason))];

    private static bool InPlace(Shell shell) =>
        ReferenceEquals(shell.Error, Console.Error) && !Console.IsErrorRedirected && shell.Environment("TERM") is not (null or "dumb");

    private static (string Name, LoadTest Test) FindTest(SystemGuide guide, string? name)
    {
        var names = string.Join(", ", guide.Load.Keys);
        if (guide.Load.Count == 0)
        {
            throw new LoadException(LoadFault.Usage, $"the guide of {guide.System} has no load test; write one under 'load'");
        }

        if (name is null)
        {
            return guide.Load.Count == 1
                ? (guide.Load.First().Key, guide.Load.First().Value)
                : throw new LoadException(LoadFault.Usage, $"which load test of {guide.System}? It has {names}: tenfold load {guide.System} {guide.Load.First().Key}");
        }

        return guide.Load.TryGetValue(name, out var test)
            ? (name, test)
            : throw new LoadException(LoadFault.Usage, $"{guide.System} has no load test '{name}'; it has {names}");
    }

    private static LoadOptions Options(LoadRequest request, SystemGuide guide, string name, RunningSystem? running)
    {
        if (request.MostInFlight is < 1 or > MostArrivals)
        {
            throw new LoadException(LoadFault.Usage, $"--max-in-flight {request.MostInFlight} must be between 1 and {MostArrivals}");
        }

        if (request.Threads is < 1 or > MostThreads)
        {
            throw new LoadException(LoadFault.Usage, $"--threads {request.Threads} must be between 1 and {MostThreads}");
        }

        return new LoadOptions
        {
            Name = $"{guide.System} {name}",
            Target = Target(request, guide, running),
            For = request.For is null ? null : ParseFor(request.For),
            Seed = request.Seed,
            MostInFlight = request.MostInFlight,
            Threads = request.Threads,
            Insecure = request.Insecure,
        };
    }

    private static TimeSpan ParseFor(string text) =>
        !Duration.TryParse(text, out var duration, out var error) ? throw new LoadException(LoadFault.Usage, $"--for: {error}")
        : duration > TimeSpan.Zero ? duration
        : throw new LoadException(LoadFault.Usage, $"--for {text} must be longer than nothing, such as 60s");

    private static Uri Target(LoadRequest request, SystemGuide guide, RunningSystem? running)
    {
        if (request.Target is { } written)
        {
            return Uri.TryCreate(written, UriKind.Absolute, out var target)
                ? target
                : throw new LoadException(LoadFault.Usage, $"--target '{written}' must be an address such as http://localhost:8080");
        }

        return running?.Gateway
            ?? (guide.Gateway.Port > 0
                ? new Uri($"{(guide.Gateway.Tls is null ? "http" : "https")}://localhost:{guide.Gateway.Port}")
                : throw new LoadException(LoadFault.Target, $"{guide.System} does not run"));
    }
}
