using Microsoft.Extensions.Logging;

namespace Tenfold.Runtime.Host;

/// <summary>Warnings and errors of the gateway become notes of the host; the rest is dropped.</summary>
internal sealed class NoteLogs(Action<string> note) : ILoggerFactory, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

    public bool IsEnabled(LogLevel logLevel) => logLevel is >= LogLevel.Warning and not LogLevel.None;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            note($"gateway: {formatter(state, exception)}{(exception is null ? "" : $": {exception.Message}")}");
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("the notes are the only place that the gateway's logs go to");

    public void Dispose()
    {
        // nothing is held
    }
}
