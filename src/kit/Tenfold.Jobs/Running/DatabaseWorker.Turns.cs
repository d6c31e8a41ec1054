using Microsoft.Extensions.Logging;
using Npgsql;
using Tenfold.Jobs.Claiming;
using Tenfold.Jobs.Ending;

namespace Tenfold.Jobs.Running;

internal sealed partial class DatabaseWorker
{
    private static readonly TimeSpan FloorEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ReconcileEvery = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PutOff = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan TooEarly = TimeSpan.FromMilliseconds(50);

    private long _nextFloor;
    private long _nextReconcile;
    private bool _isCareful;
    private int _claimsAlone; // so many turns claim from one queue each

    private sealed record Claim(QueueTurns Queue, int Room, bool IsSweep, long Worker);

    private async Task TurnAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        if (_mustReconcile || _time.GetTimestamp() >= _nextReconcile)
        {
            await ReconcileAsync(connection, cancel);
        }

        var endings = _endings.Take(MostEndings, _time.GetTimestamp());
        var turn = new Turn(endings);
        try
        {
            if (_isCareful)
            {
                await EndEachAsync(connection, turn.TakeAll(), cancel);
                _isCareful = false;
            }

            var claimed = await ExchangeAsync(connection, turn, cancel);
            await RunAsync(connection, claimed, cancel);
            Wake(await EndTransaction.EndAllAsync(connection, turn.Others, _settings.Name, _held, cancel), committed: true);
            turn.Others.Clear();
            await ClaimLimitedAsync(connection, cancel);
            await RaiseFloorsAsync(connection, cancel);
        }
        catch (Exception e)
        {
            // Written or not: ended once more, which does nothing where it was.
            foreach (var ending in turn.TakeAll())
            {
                _endings.Add(ending, _time.GetTimestamp(), EndAtOnce);
            }

            if (!IsRefusal(e))
            {
                throw;
            }

            // The connection is well. What stands in the way is found by doing the next turn piece by piece.
            _isCareful = true;
            _claimsAlone = _queues.Count;
            LogRefused(_logger, _database.Number, e.Message);
        }
    }

    private static bool IsRefusal(Exception e) => e is PostgresException { InvariantSeverity: "ERROR" };

    // One by one: what cannot be written now, since somebody's transaction holds a row or for any other reason, does not keep the others.
    private async Task EndEachAsync(NpgsqlConnection connection, IReadOnlyList<JobEnding> endings, CancellationToken cancel)
    {
        foreach (var ending in endings)
        {
            try
            {
                if (ending.IfHeld is null || (await EndTransaction.StillHeldAsync(connection, [ending], cancel)).Count > 0)
                {
                    Wake(await EndTransaction.EndAllAsync(connection, [ending.IfHeld ?? ending], _settings.Name, _held, cancel), committed: true);
                }

                _held.Remove(ending.Job.Id, ending.Job.Run);
            }
            catch (Exception e) when (IsRefusal(e))
            {
                LogPutOff(_logger, ending.Job.Id, _database.Number, e.Message);
                _endings.AddLater(ending, _time.GetTimestamp() + (long)(PutOff.TotalSeconds * _time.TimestampFrequency));
            }
        }
    }

    // One round trip, one transaction: completions, claims, scheduled jobs whose time has come.
    private async Task<List<(QueueTurns Queue, Claimed Job)>> ExchangeAsync(NpgsqlConnection connection, Turn turn, CancellationToken cancel)
    {
        var started = _time.GetTimestamp();
        var claims = new List<Claim>();
        var claimed = new List<(QueueTurns, Claimed)>();
        await using var batch = new NpgsqlBatch(connection);
        var isScheduleDue = _isClaiming && _schedule.DueIn(started) == TimeSpan.Zero;
        if (turn.Plain.Count > 0)
        {
            batch.BatchCommands.Add(EndSql.CompletePlain(turn.Plain, _settings.Name));
        }

        if (turn.MayBeGone.Count > 0)
        {
            batch.BatchCommands.Add(EndSql.StillHeld(turn.MayBeGone));
        }

        if (isScheduleDue)
        {
            batch.BatchCommands.Add(ClaimSql.Promote(Schedule.Most));
            batch.BatchCommands.Add(ClaimSql.NextDue());
        }

        AddClaims(batch, claims, started);
        if (batch.BatchCommands.Count == 0)
        {
            return claimed;
        }

        var isDone = false;
        try
        {
            await using var rows = await batch.ExecuteReaderAsync(cancel);
            await ReadEndingsAsync(rows, turn, cancel);
            if (isScheduleDue)
            {
                await ReadScheduleAsync(rows, cancel);
            }

            foreach (var claim in claims)
            {
                var got = 0;
                for (; await rows.ReadAsync(cancel); got++)
                {
                    claimed.Add((claim.Queue, Claimed.Read(rows, claim.Queue.Runner.Name, rows.GetInt64(ClaimSql.PlaceColumn), claim.Worker)));
                }

                await rows.NextResultAsync(cancel);
                var now = _time.GetTimestamp();
                claim.Queue.Claimed(now, claim.Room, got, claim.IsSweep, _time.GetElapsedTime(started, now));
            }

            isDone = true;
            return claimed;
        }
        finally
        {
            // What a failed turn has claimed is given back when the connection is there again.
            foreach (var claim in claims)
            {
                claim.Queue.Runner.Release(claim.Room - (isDone ? claimed.Count(one => one.Item1 == claim.Queue) : 0));
                if (!isDone && claims.Count == 1)
                {
                    claim.Queue.NotBefore(_time.GetTimestamp(), PutOff);
                }
            }

            if (!isDone && isScheduleDue)
            {
                _schedule.Looked(_time.GetTimestamp(), 0, null);
            }

            turn.Settle(isDone, _held);
        }
    }

    private static async Task ReadEndingsAsync(NpgsqlDataReader rows, Turn turn, CancellationToken cancel)
    {
        if (turn.Plain.Count > 0)
        {
            turn.Done = await EndTransaction.ReadIdsAsync(rows, cancel);
            await rows.NextResultAsync(cancel);
        }

        if (turn.MayBeGone.Count > 0)
        {
            turn.StillHeld = await EndTransaction.ReadIdsAsync(rows, cancel);
            await rows.NextResultAsync(cancel);
        }
    }

    private void AddClaims(NpgsqlBatch batch, List<Claim> claims, long now)
    {
        if (!_isClaiming || _row.Id == 0)
        {
            return;
        }

        foreach (var queue in _queues.Values)
        {
            if (!queue.IsLimited && queue.DueIn(now) == TimeSpan.Zero && queue.Runner.Reserve() is > 0 and var room)
            {
                queue.ResetIfDue(now);
                var isSweep = queue.IsSweepDue(now);
                var worker = _row.Id;
                claims.Add(new Claim(queue, room, isSweep, worker));
                batch.BatchCommands.Add(ClaimSql.Command(queue.Runner.Name, isSweep ? queue.Watermark.Floor : queue.Watermark.Front, room, worker));
                if (_claimsAlone > 0)
                {
                    _claimsAlone--;
                    return;
                }
            }
        }
    }

    // Queues with limits of rate or by key, each in a transaction of its own.
    private async Task ClaimLimitedAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        if (!_isClaiming || _row.Id == 0)
        {
            return;
        }

        foreach (var queue in _queues.Values)
        {
            var started = _time.GetTimestamp();
            if (!queue.IsLimited || queue.DueIn(started) != TimeSpan.Zero || queue.Runner.Reserve() is not (> 0 and var room))
            {
                continue;
            }

            queue.ResetIfDue(started);
            var isSweep = queue.IsSweepDue(started);
            var got = 0;
            try
            {
                var result = await LimitedClaim.RunAsync(connection, queue.Runner.Name, queue.Runner.Options, queue.Watermark, isSweep, room, _row.Id, cancel);
                got = result.Jobs.Count;
                var now = _time.GetTimestamp();
                queue.Claimed(now, room, result.Looked, isSweep, _time.GetElapsedTime(started, now));
                if (result.NextIn > TimeSpan.Zero)
                {
                    queue.Wake(committed: true);
                    queue.NotBefore(now, result.NextIn);
                }

                await RunAsync(connection, [.. result.Jobs.Select(job => (queue, job))], cancel);
            }
            catch (Exception e) when (IsRefusal(e))
            {
                // Somebody holds a key, or what this queue asks for is impossible: the others go on.
                LogRefused(_logger, _database.Number, $"queue {queue.Runner.Name}: {e.Message}");
                queue.NotBefore(_time.GetTimestamp(), PutOff);
            }
            finally
            {
                queue.Runner.Release(room - got);
            }
        }
    }

    private async Task ReadScheduleAsync(NpgsqlDataReader rows, CancellationToken cancel)
    {
        var promoted = 0L;
        while (await rows.ReadAsync(cancel))
        {
            promoted += rows.GetInt64(1);
            if (_queues.TryGetValue(rows.GetString(0), out var queue))
            {
                queue.Wake(committed: true);
            }
        }

        await rows.NextResultAsync(cancel);
        await rows.ReadAsync(cancel);
        _schedule.Looked(_time.GetTimestamp(), promoted, rows.IsDBNull(0) ? null : TimeSpan.FromSeconds(rows.GetDouble(0)));
        await rows.NextResultAsync(cancel);
    }

    private async Task RunAsync(NpgsqlConnection connection, List<(QueueTurns Queue, Claimed Job)> claimed, CancellationToken cancel)
    {
        if (claimed.Count == 0)
        {
            return;
        }

        var unique = claimed.Where(one => one.Job.IsUnique).Select(one => one.Job.Id).ToArray();
        foreach (var (queue, job) in claimed)
        {
            queue.Watermark.Claimed(job.Lane, job.Place);
        }

        var runs = claimed.OrderBy(one => one.Job.Lane).ThenBy(one => one.Job.Place).Select(one => (one.Queue, Run: new JobRun(one.Job, one.Queue.Runner.Options, this, _time.GetTimestamp()))).ToList();
        runs.ForEach(one => _held.Add(one.Run));
        Interlocked.MemoryBarrier();
        foreach (var (queue, run) in runs.FindAll(one => one.Run.Job.Worker != _row.Id))
        {
            // Presumed dead since the claim: it is another's, or will be.
            _held.Remove(run.Id, run.Job.Run);
            queue.Runner.Release(1);
            runs.Remove((queue, run));
        }

        if (unique.Length > 0)
        {
            try
            {
                var early = await ClaimSql.UnmarkAsync(connection, unique, cancel);
                GiveBack(runs, one => early.Contains(one.Run.Id), TooEarly);
            }
            catch
            {
                GiveBack(runs, _ => true, null);
                throw;
            }
        }

        foreach (var (queue, run) in runs)
        {
            queue.Runner.Add(run);
        }
    }

    // Without having run.
    private void GiveBack(List<(QueueTurns Queue, JobRun Run)> runs, Predicate<(QueueTurns Queue, JobRun Run)> which, TimeSpan? after)
    {
        foreach (var (queue, run) in runs.FindAll(which))
        {
            Ended(run, new JobEnding(run.Job, null, TimeSpan.Zero) { After = after });
            queue.Runner.Release(1);
        }

        runs.RemoveAll(which);
    }

    // Once a second: what is surely behind every transaction is never looked at again.
    private async Task RaiseFloorsAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        var now = _time.GetTimestamp();
        if (now < _nextFloor || _queues.Values.All(queue => !queue.Watermark.IsAhead))
        {
            return;
        }

        _nextFloor = now + (long)(FloorEvery.TotalSeconds * _time.TimestampFrequency);
        var (oldest, next) = await ClaimSql.SnapshotAsync(connection, cancel);
        foreach (var queue in _queues.Values)
        {
            if (queue.Watermark.Candidate(TimeSpan.FromSeconds((double)now / _time.TimestampFrequency), oldest, next) is { } candidate
                && !await ClaimSql.IsAnyBetweenAsync(connection, queue.Runner.Name, queue.Watermark.Floor.ToArray(), candidate, cancel))
            {
                queue.Watermark.Raise();
            }
        }
    }

    // A turn whose answer was lost may have claimed jobs that nobody here knows of, and a crash of the server may have taken completions back.
    private async Task ReconcileAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        _nextReconcile = _time.GetTimestamp() + (long)(ReconcileEvery.TotalSeconds * _time.TimestampFrequency);
        var unknown = (await ClaimSql.HeldByAsync(connection, _row.Id, cancel)).Where(one => !_held.Contains(one.Id, one.Run)).ToArray();
        await EndTransaction.EndAllAsync(connection, [.. unknown.Select(job => new JobEnding(job, null, TimeSpan.Zero))], _settings.Name, _held, cancel);
        if (!_mustReconcile)
        {
            return;
        }

        foreach (var queue in _queues.Values)
        {
            queue.Watermark.Reset();
            queue.Wake(committed: true);
        }

        _mustReconcile = false;
    }

    [LoggerMessage(4, LogLevel.Warning, "Jobs of database {Database}: PostgreSQL refused a turn ({Reason}); it is done piece by piece")]
    private static partial void LogRefused(ILogger logger, int database, string reason);

    [LoggerMessage(5, LogLevel.Warning, "Job {Job} of database {Database} cannot be ended for now ({Reason}); tried again")]
    private static partial void LogPutOff(ILogger logger, long job, int database, string reason);
}
