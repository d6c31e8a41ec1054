using Microsoft.Extensions.Logging;

namespace Tenfold.Postgres.SlowQueries;

/// <summary>Stands between Npgsql and the app's loggers and hears how long each command took.</summary>
internal sealed class CommandTimer(ILoggerFactory loggers, SlowQueryLog slow) : ILoggerFactory
{
    public ILogger CreateLogger(string categoryName)
    {
        var logger = loggers.CreateLogger(categoryName);
        return categoryName == "Npgsql.Command" ? new CommandLogger(logger, slow) : logger;
    }

    public void AddProvider(ILoggerProvider provider) => loggers.AddProvider(provider);

    public void Dispose()
    {
        // the factory behind it is not ours
    }

    private sealed class CommandLogger(ILogger logger, SlowQueryLog slow) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => logger.BeginScope(state);

        // Information: that a command is completed, and how long it took. Npgsql does not measure it otherwise.
        public bool IsEnabled(LogLevel logLevel) => logLevel == LogLevel.Information || logger.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel == LogLevel.Information && CompletedCommand<TState>.Milliseconds(state) is var took and >= 0 && CompletedCommand<TState>.Text(state) is { } text)
            {
                slow.Add(text, took, took >= slow.LimitMilliseconds ? CompletedCommand<TState>.Values(state) : null);
            }

            if (logger.IsEnabled(logLevel))
            {
                logger.Log(logLevel, eventId, state, exception, formatter);
            }
        }
    }
}
