using Npgsql;
using Tenfold.Cli.Edge;
using Tenfold.Cli.Sharding;
using Tenfold.Guide;
using Tenfold.Guide.Validation;
using Tenfold.Jobs.Administration;

namespace Tenfold.Cli.Jobs;

/// <summary>The jobs of a system that is up.</summary>
internal sealed class RunningJobs : IAsyncDisposable
{
    private readonly SystemGuide _guide;
    private readonly List<NpgsqlDataSource> _sources;

    private RunningJobs(SystemGuide guide, List<NpgsqlDataSource> sources, JobAdmin admin) => (_guide, _sources, Admin) = (guide, sources, admin);

    public JobAdmin Admin { get; }

    /// <param name="shell">Where output goes.</param>
    /// <param name="system">The system.</param>
    /// <param name="store">The store; null for that of the guide's queues.</param>
    /// <param name="cancel">Gives it up.</param>
    /// <exception cref="UsageException">The system has no such store, or several and none is for jobs.</exception>
    /// <exception cref="Tenfold.Runtime.RuntimeException">The system is down.</exception>
    public static async Task<RunningJobs> OpenAsync(Shell shell, string system, string? store, CancellationToken cancel)
    {
        var guide = Systems.Read(shell, system).Guide;
        var databases = await RunningStore.DatabasesAsync(shell, guide, system, RunningStore.Choose(guide, store ?? guide.JobStore), cancel);
        var sources = new List<NpgsqlDataSource>();
        var admin = new List<AdminDatabase>();
        foreach (var database in databases)
        {
            var source = NpgsqlDataSource.Create(database.AdminConnectionString);
            sources.Add(source);
            admin.Add(new AdminDatabase(database.Number, source.OpenConnectionAsync));
        }

        return new RunningJobs(guide, sources, new JobAdmin(admin));
    }

    /// <summary>A queue that the guide or a database knows.</summary>
    /// <exception cref="UsageException">Neither does.</exception>
    public async Task<string> QueueAsync(string queue, CancellationToken cancel)
    {
        string[] known = [.. (await Admin.QueuesAsync(cancel)).Select(one => one.Name).Union(_guide.Queues.Keys, StringComparer.Ordinal)];
        return known.Contains(queue, StringComparer.Ordinal) ? queue : throw new UsageException($"{_guide.System} has no queue '{queue}'{Suggestion.Among(queue, known, "queues")}");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var source in _sources)
        {
            await source.DisposeAsync();
        }
    }
}
