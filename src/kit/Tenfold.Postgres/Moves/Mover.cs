using Npgsql;
using Tenfold.Postgres.Shards;

namespace Tenfold.Postgres.Moves;

/// <summary>What the steps of one move share: its connections, tables and journal entry.</summary>
internal sealed class Mover : IAsyncDisposable
{
    private readonly Action<MoveProgress> _report;

    private Mover(ShardedStore store, MoveRecord move, MoveOptions options, NpgsqlConnection home, NpgsqlConnection source, NpgsqlConnection target, Action<MoveProgress> report) =>
        (Store, Move, Options, Home, Source, Target, _report, Buckets) = (store, move, options, home, source, target, report, [.. move.Buckets]);

    public ShardedStore Store { get; }

    public MoveRecord Move { get; }

    public MoveOptions Options { get; }

    public NpgsqlConnection Home { get; }

    public NpgsqlConnection Source { get; }

    public NpgsqlConnection Target { get; }

    public int[] Buckets { get; }

    public IReadOnlyList<ShardedTable> Tables { get; set; } = [];

    public static async Task<Mover> OpenAsync(ShardedStore store, MoveRecord move, MoveOptions options, NpgsqlConnection home, Action<MoveProgress> report, CancellationToken cancel)
    {
        var source = await MoveConnections.OpenAsync(store, move.Source, cancel);
        try
        {
            return new Mover(store, move, options, home, source, await MoveConnections.OpenAsync(store, move.Target, cancel), report);
        }
        catch
        {
            await source.DisposeAsync();
            throw;
        }
    }

    /// <summary>A step is done: the journal and whoever watches are told.</summary>
    public async Task DoneAsync(MoveStep step, string text, CancellationToken cancel)
    {
        await MoveJournal.StepAsync(Home, Move.Id, step, cancel);
        await PassedAsync(step, text, cancel);
    }

    /// <summary>A step is done that the journal need not know, or knows already: while writes wait, each statement counts.</summary>
    public Task PassedAsync(MoveStep step, string text, CancellationToken cancel)
    {
        Report(new MoveProgress(Move.Id, step, text));
        return Options.AfterStep(step, cancel);
    }

    public void Report(MoveProgress progress) => _report(progress);

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        await Target.DisposeAsync();
    }
}
