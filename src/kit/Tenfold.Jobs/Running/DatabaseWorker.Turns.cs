using Microsoft.Extensions.Logging;
using Npgsql;
using Tenfold.Jobs.Claiming;
using Tenfold.Jobs.Ending;

namespace Tenfold.Jobs.Running;

internal sealed partial class DatabaseWorker
{
    private static readonly TimeSpan ReconcileEvery = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PutOff = TimeSpan.FromMilliseconds(500);

    private long _nextReconcile;
    private bool _isCareful;

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
                _endings.AddLater(ending, _time.After(_time.GetTimestamp(), PutOff));
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
            turn.Settle(_held);
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

    // A turn whose answer was lost may have claimed jobs that nobody here knows of, and a crash of the server may have taken completions back.
    private async Task ReconcileAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        _nextReconcile = _time.After(_time.GetTimestamp(), ReconcileEvery);
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
