using Commons.Data;
using Npgsql;
using Tenfold.Postgres.Shards;

namespace Commons.Idempotency;

/// <summary>A request that may come more than once and takes effect once.</summary>
/// <param name="Caller">The account; the key is kept in its bucket.</param>
/// <param name="Operation">What is asked for: each operation has a name space of its own.</param>
/// <param name="Key">The header.</param>
/// <param name="BodyHash">SHA-256 of the body.</param>
/// <param name="Attempt">A new id for each try to carry it out: only the newest can end it.</param>
public sealed record IdempotentRequest(ShardId Caller, string Operation, string Key, byte[] BodyHash, ShardId Attempt);

/// <summary>What became of a claim.</summary>
public enum ClaimOutcome
{
    /// <summary>This attempt carries the request out, and ends or frees it.</summary>
    Claimed,

    /// <summary>Another attempt is at it.</summary>
    Working,

    /// <summary>It was carried out: here is the answer.</summary>
    Done,

    /// <summary>The key came with another body before.</summary>
    OtherBody,
}

/// <summary>A claim's outcome.</summary>
/// <param name="Outcome">Whether to go on.</param>
/// <param name="Status">HTTP status of the answer, when it is done.</param>
/// <param name="Answer">The answer, when it is done.</param>
/// <param name="At">Now, by the clock of the caller's database.</param>
public sealed record Claim(ClaimOutcome Outcome, int Status, string? Answer, DateTime At);

/// <summary>
/// Idempotency-Keys by caller (the table of idempotency.sql). A claim comes first, in a transaction of its own; it is ended with the
/// answer in the transaction that has the effect, so that there is either both or none. Thread-safe.
/// </summary>
public sealed class IdempotencyKeys(ShardedStore store)
{
    /// <summary>SQL state of a statement that wanted to end a claim which another attempt has taken over.</summary>
    public const string TakenOver = "ID001";

    /// <summary>After so long without an end an attempt counts as dead, and the next one takes over.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromSeconds(30);

    /// <summary>For so long an answer is kept, at least.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromHours(24);

    /// <summary>Claims the request for its attempt. One round trip that does not wait for the disk.</summary>
    public async Task<Claim> ClaimAsync(IdempotentRequest request, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(request);
        await using var batch = new NpgsqlBatch();
        batch.BatchCommands.Add(Sql.InBatch(
            "SELECT outcome, was_status, was_answer, at FROM claim_key($1, $2, $3, $4, $5, $6, $7)",
            request.Caller.Bucket,
            request.Caller.Value,
            request.Operation,
            request.Key,
            request.BodyHash,
            request.Attempt.Value,
            Silence));
        return await store.QueryAsync(
            request.Caller,
            batch,
            static async (rows, token) =>
            {
                await rows.ReadAsync(token);
                var outcome = rows.GetString(0) switch
                {
                    "claimed" => ClaimOutcome.Claimed,
                    "done" => ClaimOutcome.Done,
                    "working" => ClaimOutcome.Working,
                    _ => ClaimOutcome.OtherBody,
                };
                return new Claim(outcome, rows.IsDBNull(1) ? 0 : rows.GetInt16(1), rows.IsDBNull(2) ? null : rows.GetString(2), rows.GetDateTime(3));
            },
            null,
            cancel);
    }

    /// <summary>
    /// Ends the claim with its answer: a statement for the transaction that has the effect, in the caller's bucket. It fails with
    /// <see cref="TakenOver"/> when another attempt has the claim by now: the transaction is rolled back.
    /// </summary>
    public static NpgsqlBatchCommand End(IdempotentRequest request, int status, string answer)
    {
        ArgumentNullException.ThrowIfNull(request);
        return Sql.InBatch(
            "SELECT end_key($1, $2, $3, $4, $5, $6, $7)", request.Caller.Bucket, request.Caller.Value, request.Operation, request.Key, request.Attempt.Value, (short)status, answer);
    }

    /// <summary>Gives the claim back, unless it is another attempt's by now: nothing has happened, and the key may be used again, with another body too.</summary>
    public async Task FreeAsync(IdempotentRequest request, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(request);
        await using var batch = new NpgsqlBatch();
        batch.BatchCommands.Add(Sql.InBatch("SELECT set_config('synchronous_commit', 'off', true)"));
        batch.BatchCommands.Add(Sql.InBatch(
            "DELETE FROM idempotency_keys WHERE bucket_id = $1 AND caller = $2 AND operation = $3 AND key = $4 AND attempt = $5 AND state = 'working'",
            request.Caller.Bucket,
            request.Caller.Value,
            request.Operation,
            request.Key,
            request.Attempt.Value));
        await store.ExecuteAsync(request.Caller, batch, null, cancel);
    }

    /// <summary>Removes keys older than <paramref name="age"/>, a thousand of each database at a time.</summary>
    /// <returns>How many were removed.</returns>
    public async Task<int> SweepAsync(TimeSpan age, CancellationToken cancel)
    {
        var old = await store.ScatterAsync(
            new ScatterQuery<int>
            {
                Sql = "SELECT bucket_id FROM idempotency_keys WHERE claimed_at < now() - $3::interval AND bucket_id = ANY ($1) ORDER BY claimed_at LIMIT $2",
                Values = [age],
                Read = row => row.GetInt32(0),
                Limit = 1_000,
            },
            null,
            cancel);
        var removed = 0;
        foreach (var bucket in old.Rows.Distinct())
        {
            await using var batch = new NpgsqlBatch();
            batch.BatchCommands.Add(Sql.InBatch("DELETE FROM idempotency_keys WHERE bucket_id = $1 AND claimed_at < now() - $2::interval", bucket, age));
            removed += await store.ExecuteAsync(ShardKey.OfBucket(bucket), batch, null, cancel);
        }

        return removed;
    }
}
