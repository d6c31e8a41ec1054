using Tenfold.Cli.Edge;
using Tenfold.Runtime.Control;

namespace Tenfold.Cli.Verbs;

/// <summary>Something that the host of a system does step by step: restart, scale.</summary>
internal static class Operation
{
    /// <summary>Runs it; prints the steps and then the system's status.</summary>
    public static async Task<int> RunAsync(Shell shell, string system, bool json, Func<ControlClient, IAsyncEnumerable<string>> operation, CancellationToken cancel)
    {
        using var client = new ControlClient(Systems.State(shell, system), shell.Time);
        await foreach (var step in operation(client).WithCancellation(cancel))
        {
            (json ? shell.Error : shell.Out).WriteLine(step);
        }

        if (await client.StatusAsync(cancel) is { } status)
        {
            StatusVerb.Write(shell, system, status, json);
        }

        return ExitCode.Fine;
    }
}
