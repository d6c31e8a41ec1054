using System.Buffers;
using System.Text;
using System.Text.Json;
using Npgsql;
using Tenfold.Jobs.Claiming;
using Tenfold.Jobs.Ending;

namespace Tenfold.Jobs.Running;

/// <summary>Why a run is told to stop.</summary>
internal enum StopReason
{
    None,
    Timeout,
    Deadline,
    Cancelled,
    Lost,
    Stopping,
}

/// <summary>A claimed job, from the claim until it has ended.</summary>
internal sealed class JobRun(Claimed job, JobQueueOptions options, IRunOwner owner, long claimedAt) : JobContext
{
    private const int LongestNote = 200;

    private readonly Lock _lock = new();
    private CancellationTokenSource? _cancel;
    private StopReason _stop;
    private bool _hasEnded;
    private bool _isCompleted;
    private (long Done, long Total, string? Note)? _report;
    private bool _isReportNew;

    public Claimed Job => job;

    public JobQueueOptions Options => options;

    public IRunOwner Owner => owner;

    public override long Id => job.Id;

    public override string Queue => job.Queue;

    public override string Kind => job.Kind;

    public override int Attempt => job.Failures + 1;

    public override bool IsLastAttempt => Attempt >= Attempts;

    public override DateTimeOffset EnqueuedAt => new(job.EnqueuedAt);

    /// <summary>When it was claimed, by the worker's clock (a timestamp).</summary>
    public long ClaimedAt => claimedAt;

    /// <summary>Whether it was told to stop.</summary>
    public bool IsStopped
    {
        get
        {
            lock (_lock)
            {
                return _stop != StopReason.None;
            }
        }
    }

    /// <summary>When its handler was called, by the worker's clock (a timestamp); 0 before that.</summary>
    public long StartedAt { get; private set; }

    /// <summary>When it was told to stop; 0 when it was not.</summary>
    public long StoppedAt { get; private set; }

    /// <summary>Its handler has returned, whoever has ended the run.</summary>
    public bool HasReturned { get; set; }

    private int Attempts => job.Attempts ?? options.Attempts;

    public override void Report(long done, long total = 0, string? note = null)
    {
        lock (_lock)
        {
            (_report, _isReportNew) = ((done, total, note is { Length: > LongestNote } ? note[..LongestNote] : note), true);
        }
    }

    public override async Task CompleteAsync(NpgsqlTransaction transaction, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        await owner.CompleteInAsync(transaction.Connection ?? throw new InvalidOperationException($"the transaction that should complete job {Id} has ended already"), this, cancel);
        _isCompleted = true;
    }

    public override async Task<bool> OnceAsync(NpgsqlConnection connection, string step = "", CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return await Inbox.EnterAsync(connection, "job", step.Length == 0 ? $"{job.Id}" : $"{job.Id}/{step}", cancel);
    }

    /// <summary>The handler is about to be called. False: it must not be any more.</summary>
    public bool TryStart(CancellationTokenSource cancel, long now)
    {
        lock (_lock)
        {
            if (_hasEnded || _stop != StopReason.None)
            {
                return false;
            }

            (_cancel, StartedAt) = (cancel, now);
            return true;
        }
    }

    /// <summary>Asks the handler to stop. The first reason stands.</summary>
    public void Stop(StopReason reason, long now)
    {
        CancellationTokenSource? cancel;
        lock (_lock)
        {
            if (_stop != StopReason.None || _hasEnded)
            {
                return;
            }

            (_stop, StoppedAt) = (reason, now);
            cancel = _cancel;
        }

        try
        {
            cancel?.Cancel();
        }
        catch (Exception e) when (e is ObjectDisposedException or AggregateException)
        {
            // It has ended meanwhile, or what the handler does on cancellation has failed: that is its own affair.
        }
    }

    /// <summary>True for the first of those that end it: its handler, or whoever has waited long enough for that.</summary>
    public bool TryEnd()
    {
        lock (_lock)
        {
            return !Interlocked.Exchange(ref _hasEnded, true);
        }
    }

    /// <summary>Its handler does not end although it was told to: the job goes on without it, the slot stays taken until it does.</summary>
    public void Abandon(TimeSpan ran)
    {
        if (TryEnd())
        {
            owner.Ended(this, EndingOf(new OperationCanceledException(), "", ran, 0.5));
        }
    }

    /// <summary>The progress that was told since the last call, as JSON without its time; null when there is none.</summary>
    public string? TakeReport()
    {
        lock (_lock)
        {
            if (!_isReportNew)
            {
                return null;
            }

            _isReportNew = false;
            return ReportText();
        }
    }

    /// <summary>What follows from how the handler ended.</summary>
    /// <param name="failure">What it threw; null when it returned.</param>
    /// <param name="worker">The worker's name.</param>
    /// <param name="took">How long it ran.</param>
    /// <param name="random">From 0 to below 1.</param>
    public JobEnding EndingOf(Exception? failure, string worker, TimeSpan took, double random)
    {
        try
        {
            return Decide(failure, worker, took, random) with { Progress = _report is null ? null : ReportText() };
        }
#pragma warning disable CA1031 // An exception whose text cannot be read is a failure like others.
        catch (Exception e) when (failure is not null)
#pragma warning restore CA1031
        {
            return Decide(new InvalidOperationException($"{failure.GetType()} (its text cannot be read: {e.GetType()})"), worker, took, random);
        }
    }

    private JobEnding Decide(Exception? failure, string worker, TimeSpan took, double random)
    {
        switch (failure)
        {
            case null when _isCompleted:
                return new JobEnding(job, JobOutcome.Completed, took)
                {
                    IfHeld = Decide(new InvalidOperationException("its handler has returned without committing the transaction that completed it"), worker, took, random),
                };
            case null:
                return new JobEnding(job, JobOutcome.Completed, took) { Keep = options.Keep.Completed > 0 };
            case JobLostException:
                return new JobEnding(job, null, took);
            case not null when _stop == StopReason.Cancelled:
                return new JobEnding(job, JobOutcome.Cancelled, took) { Keep = options.Keep.Completed > 0 };
            case not null when _stop is StopReason.Stopping or StopReason.Lost:
                return new JobEnding(job, null, took);
            case JobFailedException:
                return Dead(JobError.Of(job.Run, worker, failure));
            case JobRetryException { Counts: false } later:
                return new JobEnding(job, null, took) { After = Positive(later.After) };
            case OperationCanceledException when _stop == StopReason.Deadline:
                return Dead(JobError.Of(job.Run, worker, $"its deadline passed while it ran, after {took.TotalSeconds:0.0} s"));
            default:
                var error = failure is OperationCanceledException && _stop == StopReason.Timeout
                    ? JobError.Of(job.Run, worker, $"it took longer than the {options.Timeout.TotalSeconds:0.#} s that the queue '{job.Queue}' allows")
                    : JobError.Of(job.Run, worker, failure);
                return Attempt >= Attempts
                    ? Dead(error)
                    : new JobEnding(job, null, took) { Counts = true, Error = error, After = failure is JobRetryException retry ? Positive(retry.After) : options.Backoff.After(Attempt, random) };
        }

        JobEnding Dead(string error) => new(job, JobOutcome.Failed, took) { Error = error, Keep = options.Keep.Failed > 0 };
    }

    // Null would be "at once, before the others".
    private static TimeSpan Positive(TimeSpan pause) => pause > TimeSpan.Zero ? pause : TimeSpan.FromMilliseconds(1);

    private string ReportText()
    {
        var (done, total, note) = _report!.Value;
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("done", done);
            json.WriteNumber("total", total);
            if (note is not null)
            {
                json.WriteString("note", note.Replace("\0", "", StringComparison.Ordinal));
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}

/// <summary>Who holds runs of one database.</summary>
internal interface IRunOwner
{
    /// <summary>Completes a run in somebody's transaction.</summary>
    /// <exception cref="JobLostException">It is not held any more.</exception>
    Task CompleteInAsync(NpgsqlConnection connection, JobRun run, CancellationToken cancel);

    /// <summary>Notes that a job is about to run with which a worker has died before: should this one die as well, it is known that it was running.</summary>
    Task MarkStartedAsync(JobRun run, CancellationToken cancel);

    /// <summary>A run has ended; told once.</summary>
    void Ended(JobRun run, JobEnding ending);
}
