using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Tenfold.Postgres.Tests.Support;

/// <summary>Keeps what is logged, from warnings on.</summary>
internal sealed class Lines : ILoggerFactory, ILogger
{
    public ConcurrentQueue<string> All { get; } = new();

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => All.Enqueue(formatter(state, exception));

    public void Dispose()
    {
    }
}
