namespace Tenfold.Runtime;

/// <summary>Why the runtime could not do what it was asked; the command line maps it to its exit code.</summary>
public enum RuntimeFailure
{
    /// <summary>The guide, or what it points to (a program, a schema file), is wrong. Exit code 2.</summary>
    Guide,

    /// <summary>This machine lacks something: a program, a right, disk space, a port. Exit code 3.</summary>
    Machine,

    /// <summary>A store or a service does not come up or went wrong while working. Exit code 1.</summary>
    Failed,
}

/// <summary>The one exception of this layer: its message names the thing, what was found and what to do.</summary>
public sealed class RuntimeException(RuntimeFailure failure, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What kind of failure it is.</summary>
    public RuntimeFailure Failure { get; } = failure;
}
