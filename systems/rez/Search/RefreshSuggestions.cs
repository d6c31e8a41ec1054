using Commons.Data;
using Tenfold.Jobs;
using Tenfold.Postgres;

namespace Rez.Search;

/// <summary>Makes what is suggested anew: new brands, names and words, and how often all of them are met.</summary>
[Job("search.suggestions", Queue = "reports")]
internal sealed record RefreshSuggestions
{
    /// <summary>So often (cron).</summary>
    public const string Schedule = "*/10 * * * *";
}

internal sealed class RefreshSuggestionsHandler(PostgresStore home) : IJobHandler<RefreshSuggestions>
{
    public Task HandleAsync(RefreshSuggestions job, JobContext context, CancellationToken cancel) => RunAsync(home, cancel);

    /// <returns>How many have changed.</returns>
    internal static async Task<int> RunAsync(PostgresStore home, CancellationToken cancel) => await home.WriteAsync(
        null,
        0,
        static async (connection, _, token) =>
        {
            await Sql.ExecuteAsync(Sql.Command(connection, "SELECT set_config('statement_timeout', '60s', true)"), token); // that of requests is 5 s
            return (await Sql.ListAsync(Sql.Command(connection, "SELECT refresh_suggestions()"), row => row.GetInt32(0), token))[0];
        },
        cancel);
}
