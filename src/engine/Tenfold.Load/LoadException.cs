namespace Tenfold.Load;

/// <summary>A load test that cannot be run. The message names the thing, what was found and what to do.</summary>
public sealed class LoadException(LoadFault fault, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Whose fault it is.</summary>
    public LoadFault Fault { get; } = fault;
}

/// <summary>Why a load test cannot be run.</summary>
public enum LoadFault
{
    /// <summary>The test or the options are wrong.</summary>
    Usage,

    /// <summary>Nothing listens at the target.</summary>
    Target,

    /// <summary>This machine lacks something.</summary>
    Machine,
}
