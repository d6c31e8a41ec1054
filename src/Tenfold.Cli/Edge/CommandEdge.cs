using System.CommandLine;
using Npgsql;
using Tenfold.Cli.Loading;
using Tenfold.Cli.Verbs;
using Tenfold.Gateway;
using Tenfold.Guide.Validation;
using Tenfold.Jobs;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;
using Tenfold.Runtime;
using Tenfold.Runtime.Control;
using Tenfold.Runtime.Instances;
using Tenfold.Runtime.Scaling;
using Tenfold.Runtime.State;

namespace Tenfold.Cli.Edge;

/// <summary>The one edge of the command line: arguments in; errors to stderr and an exit code out.</summary>
internal static class CommandEdge
{
    public static async Task<int> RunAsync(string[] args, Shell shell)
    {
        using var signals = new StopSignals();
        return await RunAsync(args, shell with { Hurry = signals.Hurry }, signals.Stop);
    }

    public static async Task<int> RunAsync(string[] args, Shell shell, CancellationToken stop)
    {
        var root = new RootCommand("Tenfold: a scaling guide you can run")
        {
            CheckVerb.Create(shell),
            UpVerb.Create(shell),
            LoadVerb.Create(shell, (system, cancel) => FindRunningAsync(shell, system, cancel)),
            StatusVerb.Create(shell),
            LogsVerb.Create(shell),
            RestartVerb.Create(shell),
            ScaleVerb.Create(shell),
            RunVerb.Create(shell),
            DecisionsVerb.Create(shell),
            ShardsVerb.Create(shell),
            QueriesVerb.Create(shell),
            JobsVerb.Create(shell),
            DownVerb.Create(shell),
            SchemaVerb.Create(shell),
        };
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            return Refuse(parsed, shell);
        }

        try
        {
            return await parsed.InvokeAsync(
                new InvocationConfiguration
                {
                    Output = shell.Out,
                    Error = shell.Error,
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = null, // signals are ours
                },
                stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
        catch (Exception e) when (CodeOf(e) is { } code)
        {
            shell.Error.WriteLine($"tenfold: {e.Message}");
            return code;
        }
        catch (Exception e)
        {
            var file = Path.Combine(Path.GetTempPath(), $"tenfold-error-{Environment.ProcessId}.log");
            shell.Error.WriteLine($"tenfold: unexpected: {e.Message}");
            shell.Error.WriteLine(Save(file, e)
                ? $"  This is a fault of Tenfold; what it knows of it is in {file}"
                : $"  This is a fault of Tenfold: {e}");
            return ExitCode.Unexpected;
        }
    }

    /// <summary>The exit code of an expected error; null for any other.</summary>
    public static int? CodeOf(Exception e) => e switch
    {
        UsageException => ExitCode.Usage,
        RuntimeException { Failure: var failure } => CodeOf(failure),
        ShardException { Failure: ShardFailure.Unmapped } => ExitCode.Usage, // a bucket that there is not
        ShardException or JobException => ExitCode.Missed,
        NpgsqlException or PostgresStoreException or GatewayException or IOException or UnauthorizedAccessException => ExitCode.Machine,
        _ => null,
    };

    /// <summary>The exit code of a failure of the runtime.</summary>
    public static int CodeOf(RuntimeFailure failure) => failure switch
    {
        RuntimeFailure.Guide => ExitCode.Usage,
        RuntimeFailure.Machine => ExitCode.Machine,
        _ => ExitCode.Missed,
    };

    private static async Task<RunningSystem?> FindRunningAsync(Shell shell, string system, CancellationToken cancel)
    {
        return await StatusAsync(cancel) is { Gateway.Url: var url } ? new RunningSystem(new Uri(url), MetricsAsync, DecisionsAsync, LaunchAsync) : null;

        async Task<IReadOnlyList<ScalingDecision>> DecisionsAsync(CancellationToken token)
        {
            using var client = new ControlClient(SystemState.Of(system, shell.Environment), shell.Time);
            return await client.DecisionsAsync(0, null, token) ?? [];
        }

        async Task<ServiceLaunch> LaunchAsync(string service, CancellationToken token)
        {
            using var client = new ControlClient(SystemState.Of(system, shell.Environment), shell.Time);
            return await client.LaunchAsync(service, token);
        }

        async Task<SystemStatus?> StatusAsync(CancellationToken token)
        {
            using var client = new ControlClient(SystemState.Of(system, shell.Environment), shell.Time);
            return await client.StatusAsync(token);
        }

        // Instances come and go: whoever is there now is asked.
        async Task<IReadOnlyDictionary<string, string>> MetricsAsync(CancellationToken token) =>
            await StatusAsync(token) is { } status ? await InstanceMetrics.ReadAsync(status, shell.Time, token) : new Dictionary<string, string>();
    }

    private static int Refuse(ParseResult parsed, Shell shell)
    {
        var command = parsed.CommandResult.Command;
        if (command is RootCommand && parsed.Tokens.Count > 0 && !parsed.Tokens[0].Value.StartsWith('-'))
        {
            var word = parsed.Tokens[0].Value;
            shell.Error.WriteLine($"tenfold: no verb '{word}'{Suggestion.Among(word, [.. command.Subcommands.Select(verb => verb.Name)], "verbs")}");
            return ExitCode.Usage;
        }

        foreach (var message in parsed.Errors.Select(error => error.Message).Distinct())
        {
            shell.Error.WriteLine($"tenfold: {message}");
        }

        while (command.Parents.OfType<Command>().FirstOrDefault() is { } parent and not RootCommand)
        {
            command = parent; // the verb: between it and what is below stands the system
        }

        var path = command is RootCommand ? "" : command.Name + " ";
        shell.Error.WriteLine($"  'tenfold {path}--help' shows the usage");
        return ExitCode.Usage;
    }

    private static bool Save(string file, Exception e)
    {
        try
        {
            File.WriteAllText(file, e.ToString());
            return true;
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
