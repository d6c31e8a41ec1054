namespace Tenfold.Runtime.Stores;

/// <summary>A server of a database, with what is known of it. Used by one loop; <see cref="Status"/> from anywhere.</summary>
internal sealed class PostgresMember : IAsyncDisposable
{
    private readonly PostgresPlan _plan;
    private Task<NodeProbe?> _question = Task.FromResult<NodeProbe?>(null);
    private long _answeredAt;
    private long? _notFedSince;
    private long? _fedAt;
    private int _unanswered;
    private volatile NodeProbe? _probe;
    private volatile Mark? _mark;
    private bool _answers;

    public PostgresMember(PostgresPlan plan, int index, Func<int, NodeRole> roleOf)
    {
        _plan = plan;
        Node = new PostgresNode(plan, index, roleOf);
        Server = new SupervisedServer(Node, plan.State, plan.Options, Processes.RestartPolicy.Store);
        Admin = new PostgresAdmin(Node);
        _answeredAt = plan.Options.Time.GetTimestamp();
    }

    public int Index => Node.Index;

    public string Name => Node.Name;

    public PostgresNode Node { get; }

    public SupervisedServer Server { get; }

    public PostgresAdmin Admin { get; }

    /// <summary>Whether its supervisor runs.</summary>
    public bool IsStarted { get; set; }

    /// <summary>Since when it has been told to be read from no more, by the clock's timestamp; null: it stays.</summary>
    public long? LeavingSince { get; set; }

    /// <summary>Whether it has left: it does not run, and has no data.</summary>
    public bool HasLeft { get; set; }

    /// <summary>The repair that is under way, or the last one.</summary>
    public Task Repair { get; set; } = Task.CompletedTask;

    /// <summary>Repairs since it last followed.</summary>
    public int Repairs { get; set; }

    /// <summary>No repair before this.</summary>
    public DateTimeOffset RetryAt { get; set; }

    /// <summary>What it said last, and may say no more.</summary>
    public NodeProbe? Probe => _probe;

    public bool Answers => _answers;

    /// <summary>Its phase before it was last asked: one that has become ready since may not have been able to answer.</summary>
    public StorePhase PhaseBefore { get; private set; }

    /// <summary>Asks it how it is. One question at a time: to a server that hangs, no further connection is opened.</summary>
    public async Task AskAsync(TimeSpan limit, CancellationToken cancel)
    {
        var time = _plan.Options.Time;
        PhaseBefore = Server.Status().Phase;
        if (_question.IsCompleted)
        {
            _question = Admin.ProbeAsync();
        }

        NodeProbe? probe = null;
        try
        {
            probe = await _question.WaitAsync(limit, time, cancel);
        }
        catch (TimeoutException)
        {
            // counts as no answer
        }

        _answers = probe is not null;
        _unanswered = _answers ? 0 : _unanswered + 1;
        if (probe is not null)
        {
            _probe = probe;
            _answeredAt = time.GetTimestamp();
        }

        _notFedSince = probe is null or { Streams: true } ? null : _notFedSince ?? time.GetTimestamp();
    }

    /// <summary>Its primary feeds it.</summary>
    public void NoteFed() => _fedAt = _plan.Options.Time.GetTimestamp();

    /// <summary>Whether its primary feeds it, or did so until a moment ago.</summary>
    public bool IsFed(TimeSpan within) => _fedAt is { } at && Since(at) < within;

    /// <summary>It begins anew: what it did not answer before does not count.</summary>
    public void Forgive() => (_answeredAt, _unanswered, _notFedSince, _mark) = (_plan.Options.Time.GetTimestamp(), 0, null, null);

    /// <summary>As a replica: compares it with its primary, after both were asked.</summary>
    public void Compare(PostgresMember primary)
    {
        if (_probe is { } mine && primary.Probe is { } its && (_mark is not { } mark || mine.Replayed >= mark.Position))
        {
            _mark = new Mark(its.Received, _plan.Options.Time.GetTimestamp());
        }
    }

    public NodeView View() => new(Index, _answers, _answers ? TimeSpan.Zero : Since(_answeredAt), _unanswered, _probe?.Received ?? 0);

    public TimeSpan NotFedFor => _notFedSince is { } since ? Since(since) : TimeSpan.Zero;

    /// <summary>Its state as shown.</summary>
    /// <param name="primary">The primary of its database.</param>
    /// <param name="alone">Whether the database has no other server: its role is not worth a word then.</param>
    public StoreStatus Status(PostgresMember primary, bool alone)
    {
        var status = Server.Status() with { Store = _plan.Store, Database = _plan.Number };
        if (alone || primary == this)
        {
            return status with { Role = StoreRole.Primary };
        }

        var (mine, its) = (_probe, primary.Probe);
        var follower = its?.Followers.FirstOrDefault(one => one.Name == Name);
        var bytes = mine is null || its is null ? (long?)null : Math.Max(0, its.Received - mine.Replayed);
        return status with
        {
            Role = StoreRole.Replica,
            LagBytes = bytes,
            Lag = bytes switch { null => null, 0 => TimeSpan.Zero, _ => Later(follower?.ReplayLag ?? mine!.LastReplay, LateFor(mine!)) },
            Synchronous = follower?.Synchronous ?? false,
            Streams = follower is not null,
        };
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await Node.RemoveGroupAsync();
    }

    // The primary's own measure stands still while nothing is replayed.
    private TimeSpan LateFor(NodeProbe mine) => _mark is { } mark && mine.Replayed < mark.Position ? Since(mark.At) : TimeSpan.Zero;

    private static TimeSpan? Later(TimeSpan? one, TimeSpan other) => one is { } known && known > other ? known : other;

    private TimeSpan Since(long timestamp) => _plan.Options.Time.GetElapsedTime(timestamp);

    /// <summary>A position of the primary, and when it was there.</summary>
    private sealed record Mark(long Position, long At);
}
