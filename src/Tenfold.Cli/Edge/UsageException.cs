namespace Tenfold.Cli.Edge;

/// <summary>The command was called wrongly, or its guide does not read; exit code 2. The message says what to do.</summary>
public sealed class UsageException(string message) : Exception(message);
