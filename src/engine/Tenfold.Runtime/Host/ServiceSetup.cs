using Tenfold.Guide;
using Tenfold.Runtime.Build;
using Tenfold.Runtime.Instances;
using Tenfold.Runtime.Logs;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.Schema;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Host;

/// <summary>How one service is run: program, arguments, folder.</summary>
/// <param name="Command">Program and arguments of an instance.</param>
/// <param name="Seed">Program and arguments that fill the stores; null when it has none.</param>
/// <param name="WorkingDirectory">Where both run.</param>
/// <param name="WasBuilt">Whether it was published just now.</param>
internal sealed record ServiceProgram(IReadOnlyList<string> Command, IReadOnlyList<string>? Seed, string WorkingDirectory, bool WasBuilt);

/// <summary>Prepares a service: publishes its project, runs its seed once.</summary>
internal static class ServiceSetup
{
    private const int ReportedLines = 20;

    public static async Task<ServiceProgram> PrepareAsync(string name, Service service, SystemGuide guide, SystemState state, TimeProvider time, CancellationToken cancel)
    {
        if (service.Command is { } command)
        {
            return new ServiceProgram(command, service.Seed, guide.Folder, WasBuilt: false);
        }

        var project = ProjectBuild.Locate(name, service.Project!, guide.Folder);
        var built = await ProjectBuild.PublishAsync(name, project, state, time, cancel);
        string[] run = [built.Program, "exec", built.Assembly];
        return new ServiceProgram(run, service.Seed is { } seed ? [.. run, .. seed] : null, Path.GetDirectoryName(built.Assembly)!, built.WasBuilt);
    }

    /// <summary>
    /// Runs the seed unless it has run to its end before. That is noted with the data: in the first PostgreSQL of the system,
    /// or (<paramref name="ledger"/> is null) in a file beside the stores.
    /// </summary>
    /// <returns>False when it had run before.</returns>
    /// <exception cref="RuntimeException">It failed; the message holds its last lines. It runs again at the next start.</exception>
    public static async Task<bool> SeedOnceAsync(string name, string? ledger, SystemState state, Func<CancellationToken, Task> run, Action<string> report, CancellationToken cancel)
    {
        if (ledger is not null)
        {
            return await Seeds.RunOnceAsync(
                ledger,
                name,
                async token =>
                {
                    await run(token);
                    return 0;
                },
                report,
                cancel);
        }

        var mark = Path.Combine(state.Stores, $"seeded-{name}");
        if (File.Exists(mark))
        {
            return false;
        }

        await run(cancel);
        StateFolder.Write(mark, "");
        return true;
    }

    /// <summary>Runs the seed.</summary>
    /// <exception cref="RuntimeException">It failed; the message holds its last lines.</exception>
    public static async Task SeedAsync(
        string name, ServiceProgram program, IReadOnlyDictionary<string, string> environment, SystemState state, TimeProvider time, CancellationToken cancel)
    {
        await using var log = new LogFile(state.LogFile($"seed-{name}"), time);
        await using var seed = ChildProcess.Start(
            new ProcessSpec
            {
                Name = $"seed-{name}",
                FileName = program.Seed![0],
                Arguments = [.. program.Seed.Skip(1)],
                WorkingDirectory = program.WorkingDirectory,
                Environment = environment,
            },
            state,
            line => log.Write(LogOrigin.Out, line),
            time);
        var code = await seed.Exited.WaitAsync(cancel);
        if (code != 0)
        {
            throw new RuntimeException(
                RuntimeFailure.Failed,
                $"the seed of {name} {ExitText.Of(code)}: {string.Join(' ', program.Seed)}; its last lines:{string.Concat(log.Tail(ReportedLines).Select(line => "\n    " + line))}");
        }
    }
}
