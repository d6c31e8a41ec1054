namespace Tenfold.Cli.Edge;

/// <summary>What a verb may know of its surroundings; tests give their own.</summary>
internal sealed record Shell
{
    /// <summary>Results.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Errors, and progress beside a result.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Whether <see cref="Out"/> is a terminal: live tables and colours there, plain lines elsewhere.</summary>
    public required bool Interactive { get; init; }

    /// <summary>The folder that the command was called in.</summary>
    public required string Folder { get; init; }

    /// <summary>The checkout that holds <c>systems/</c>, if known: set by the launcher as <c>TENFOLD_ROOT</c>.</summary>
    public required string? Repository { get; init; }

    public required Func<string, string?> Environment { get; init; }

    /// <summary>Cancelled by a second Ctrl-C: do not wait any more.</summary>
    public CancellationToken Hurry { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public static Shell OfThisProcess() => new()
    {
        Out = Console.Out,
        Error = Console.Error,
        Interactive = !Console.IsOutputRedirected && System.Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb"),
        Folder = System.Environment.CurrentDirectory,
        Repository = System.Environment.GetEnvironmentVariable("TENFOLD_ROOT") is { Length: > 0 } root ? root : null,
        Environment = System.Environment.GetEnvironmentVariable,
    };
}
