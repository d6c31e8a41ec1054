using Npgsql;
using Tenfold.Jobs.Claiming;
using Tenfold.Jobs.Ending;

namespace Tenfold.Jobs.Running;

internal sealed partial class DatabaseWorker
{
    private static readonly TimeSpan FloorEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan TooEarly = TimeSpan.FromMilliseconds(50);

    private long _nextFloor;
    private int _claimsAlone; // so many turns claim from one queue each

    private sealed record Claim(QueueTurns Queue, int Room, bool IsSweep, long Worker);

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

        _nextFloor = _time.After(now, FloorEvery);
        var (oldest, next) = await ClaimSql.SnapshotAsync(connection, cancel);
        foreach (var queue in _queues.Values)
        {
            if (queue.Watermark.Candidate(_time.GetElapsedTime(0, now), oldest, next) is { } candidate
                && !await ClaimSql.IsAnyBetweenAsync(connection, queue.Runner.Name, queue.Watermark.Floor.ToArray(), candidate, cancel))
            {
                queue.Watermark.Raise();
            }
        }
    }
}
