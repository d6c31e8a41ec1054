using Npgsql;
using Tenfold.Jobs.Claiming;
using Tenfold.Jobs.Ending;

namespace Tenfold.Jobs.Running;

internal sealed partial class DatabaseWorker
{
    private static readonly TimeSpan FloorEvery = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan ReconcileEvery = TimeSpan.FromSeconds(10);

    private long _nextFloor;
    private long _nextReconcile;

    private sealed record Claim(QueueTurns Queue, int Room, bool IsSweep, long Worker);

    private async Task TurnAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        if (_mustReconcile || _time.GetTimestamp() >= _nextReconcile)
        {
            await ReconcileAsync(connection, cancel);
        }

        var endings = _endings.Take(MostEndings);
        var plain = endings.Where(ending => ending.IsPlain).ToList();
        var others = endings.Where(ending => !ending.IsPlain).ToList();
        var claims = new List<Claim>();
        try
        {
            var claimed = await ExchangeAsync(connection, plain, others, claims, cancel);
            plain.Clear();
            await RunAsync(connection, claimed, cancel);
            await ClaimLimitedAsync(connection, cancel);
            Wake(await EndTransaction.EndAllAsync(connection, others, _settings.Name, _held, cancel), committed: true);
            others.Clear();
            await RaiseFloorsAsync(connection, cancel);
        }
        catch
        {
            // Written or not: ended once more, which does nothing where it was.
            foreach (var ending in plain.Concat(others))
            {
                _endings.Add(ending, _time.GetTimestamp(), EndAtOnce);
            }

            throw;
        }
    }

    // One round trip, one transaction: completions, claims, scheduled jobs whose time has come.
    private async Task<List<(QueueTurns Queue, Claimed Job)>> ExchangeAsync(NpgsqlConnection connection, List<JobEnding> plain, List<JobEnding> others, List<Claim> claims, CancellationToken cancel)
    {
        var started = _time.GetTimestamp();
        var claimed = new List<(QueueTurns, Claimed)>();
        await using var batch = new NpgsqlBatch(connection);
        if (plain.Count > 0)
        {
            batch.BatchCommands.Add(EndSql.CompletePlain(plain, _settings.Name));
        }

        var isScheduleDue = _isClaiming && _schedule.DueIn(started) == TimeSpan.Zero;
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
            if (plain.Count > 0)
            {
                SortOut(plain, await EndTransaction.ReadIdsAsync(rows, cancel), others);
                await rows.NextResultAsync(cancel);
            }

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
        }
        finally
        {
            // What a failed turn has claimed is given back when the connection is there again.
            foreach (var claim in claims)
            {
                claim.Queue.Runner.Release(claim.Room - (isDone ? claimed.Count(one => one.Item1 == claim.Queue) : 0));
            }
        }

        return claimed;
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
            finally
            {
                queue.Runner.Release(room - got);
            }
        }
    }

    // Those that were not held in that form: others wait for them, or they are another's by now. Both are seen when they are ended one by one.
    private void SortOut(List<JobEnding> plain, HashSet<long> done, List<JobEnding> others)
    {
        foreach (var ending in plain)
        {
            if (done.Contains(ending.Job.Id) || ending.MayBeGone)
            {
                _held.Remove(ending.Job.Id, ending.Job.Run);
            }
            else
            {
                others.Add(ending);
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

        var runs = claimed.OrderBy(one => one.Job.Lane).ThenBy(one => one.Job.Place).Select(one => (one.Queue, Run: new JobRun(one.Job, one.Queue.Runner.Options, this))).ToList();
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
                await ClaimSql.UnmarkAsync(connection, unique, cancel);
            }
            catch
            {
                // Not run: they are given back.
                runs.ForEach(one => Ended(one.Run, new JobEnding(one.Run.Job, null, TimeSpan.Zero)));
                runs.ForEach(one => one.Queue.Runner.Release(1));
                throw;
            }
        }

        foreach (var (queue, run) in runs)
        {
            queue.Runner.Add(run);
        }
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

    // A turn whose answer was lost may have claimed jobs that nobody here knows of; a handler's transaction that completed its job may have been rolled back.
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
}
