namespace Tenfold.Cli.Edge;

/// <summary>What the process answers to its caller; documented in docs/runtime.md.</summary>
internal static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Fine = 0;

    /// <summary>A budget or threshold was missed, or an operation did not reach its goal.</summary>
    public const int Missed = 1;

    /// <summary>Wrong usage or an invalid guide.</summary>
    public const int Usage = 2;

    /// <summary>This machine lacks something: a port, a package, a right, space.</summary>
    public const int Machine = 3;

    /// <summary>The measurement itself is not valid.</summary>
    public const int Measurement = 4;

    /// <summary>A bug of Tenfold.</summary>
    public const int Unexpected = 70;

    /// <summary>Ended by Ctrl-C, as shells expect.</summary>
    public const int Interrupted = 130;
}
