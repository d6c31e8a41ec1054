using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Tenfold.AspNetCore;

/// <summary>Says once, when the app starts, what it goes without because nobody has given it that.</summary>
internal sealed partial class Lacks(IReadOnlyList<string> lacks, ILogger<Lacks> logger) : IHostedService
{
    /// <summary>What an app lacks, each as a sentence that says what happens instead.</summary>
    public static IReadOnlyList<string> Of(bool hasGuide, bool hasRedis) =>
    [
        .. hasGuide ? [] : (string[])["No guide (TENFOLD_GUIDE, TENFOLD_SERVICE): defaults instead of its drain, cache policies and rate limits."],
        .. hasRedis ? [] : (string[])["No Redis (ConnectionStrings__NAME=redis://…): sessions and cookie keys stay in this process."],
    ];

    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var lack in lacks)
        {
            LogLack(logger, lack);
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(1, LogLevel.Information, "{Lack}")]
    private static partial void LogLack(ILogger logger, string lack);
}
