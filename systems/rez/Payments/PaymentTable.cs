using Commons.Data;
using Npgsql;
using Tenfold.Jobs;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Payments;

/// <summary>What became of the beginning of a payment.</summary>
internal enum Beginning
{
    /// <summary>It is written: the provider may be asked.</summary>
    Begun,

    /// <summary>The same request came before.</summary>
    Repeated,

    /// <summary>Another request came with the same key.</summary>
    OtherRequest,

    /// <summary>The user has no such order.</summary>
    NoOrder,

    /// <summary>The order is not pending.</summary>
    NotPending,

    /// <summary>The order's time is over.</summary>
    Expired,

    /// <summary>Another payment of the order lives.</summary>
    Busy,
}

/// <summary>What became of the beginning of a payment.</summary>
/// <param name="Outcome">Whether it has begun.</param>
/// <param name="Payment">The payment that has begun, came before, or lives.</param>
/// <param name="OrderStatus">Of an order that is not pending.</param>
internal sealed record Begun(Beginning Outcome, Payment? Payment = null, string? OrderStatus = null);

/// <summary>Payments at their user.</summary>
internal sealed class PaymentTable(ShardedStore store, JobClient jobs)
{
    /// <summary>
    /// Writes a payment before the provider is asked. Of one order one lives at a time, as an index says, so that two requests cannot charge it
    /// twice. The job that looks after it is in the same transaction: whoever dies from here on, it becomes known whether it was charged.
    /// </summary>
    /// <param name="user">Who pays.</param>
    /// <param name="order">Their order.</param>
    /// <param name="key">Idempotency-Key; each of the user's is one payment.</param>
    /// <param name="fingerprint">Of what is asked for.</param>
    /// <param name="lookAfter">When the job looks.</param>
    /// <param name="caller">Who writes.</param>
    /// <param name="cancel">Gives it up.</param>
    public Task<Begun> BeginAsync(ShardId user, ShardId order, string key, byte[] fingerprint, TimeSpan lookAfter, Caller? caller, CancellationToken cancel)
    {
        var id = store.NewId(user);
        return store.WriteAsync(
            user,
            async (write, token) =>
            {
                var (status, begun) = await InsertAsync(write, id, user, order, key, fingerprint, token);
                if (begun is not null)
                {
                    await jobs.EnqueueAsync(write.Connection, new ReconcilePayment(begun.Id.Value), new EnqueueOptions { Delay = lookAfter }, token);
                    return new Begun(Beginning.Begun, begun);
                }

                return await FindByKeyAsync(write.Connection, user, key, fingerprint, token)
                    ?? (status is null ? new Begun(Beginning.NoOrder)
                    : await LiveAsync(write, order, token) is { } live ? new Begun(Beginning.Busy, live, status)
                    : status != "pending" ? new Begun(Beginning.NotPending, OrderStatus: status)
                    : new Begun(Beginning.Expired));
            },
            caller,
            cancel);
    }

    /// <summary>What came with a key before; null when nothing did.</summary>
    public async Task<Begun?> FindByKeyAsync(ShardId user, string key, byte[] fingerprint, CancellationToken cancel)
    {
        await using var connection = await store.Shard(user).Store.OpenWriterAsync(null, cancel);
        return await FindByKeyAsync(connection, user, key, fingerprint, cancel);
    }

    public async Task<Payment?> FindAsync(ShardId id, Caller? caller, CancellationToken cancel)
    {
        await using var connection = await store.Shard(id).OpenReaderAsync(caller, cancel);
        return await FindAsync(connection, id, cancel);
    }

    /// <summary>As the primary has it, and how old it is by the database's clock.</summary>
    public async Task<(Payment Payment, TimeSpan Age)?> FindNewestAsync(ShardId id, CancellationToken cancel)
    {
        await using var connection = await store.Shard(id).Store.OpenWriterAsync(null, cancel);
        var found = await Sql.ListAsync(
            Sql.Command(connection, $"SELECT {Payment.Columns}, now() - created_at FROM payments WHERE bucket_id = $1 AND id = $2", id.Bucket, id.Value), row => (Payment.Read(row), row.GetTimeSpan(11)), cancel);
        return found.Count > 0 ? found[0] : null;
    }

    private static Task<Payment?> FindAsync(NpgsqlConnection connection, ShardId id, CancellationToken cancel) =>
        Sql.OneAsync(Sql.Command(connection, $"SELECT {Payment.Columns} FROM payments WHERE bucket_id = $1 AND id = $2", id.Bucket, id.Value), Payment.Read, cancel);

    private static async Task<(string? OrderStatus, Payment? Begun)> InsertAsync(
        ShardTransaction write, ShardId id, ShardId user, ShardId order, string key, byte[] fingerprint, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch(write.Connection);
        // Everything that changes an order or a payment of it locks the order first.
        batch.BatchCommands.Add(Sql.InBatch("SELECT status FROM orders WHERE bucket_id = $1 AND id = $2 AND user_id = $3 FOR NO KEY UPDATE", write.Bucket, order.Value, user.Value));
        batch.BatchCommands.Add(Sql.InBatch(
            $"""
            INSERT INTO payments (bucket_id, id, order_id, user_id, amount_cents, key, fingerprint)
            SELECT bucket_id, $4, id, user_id, total_cents, $5, $6 FROM orders
            WHERE bucket_id = $1 AND id = $2 AND user_id = $3 AND status = 'pending' AND expires_at > now()
            ON CONFLICT DO NOTHING RETURNING {Payment.Columns}
            """,
            write.Bucket,
            order.Value,
            user.Value,
            id.Value,
            key,
            fingerprint));
        await using var rows = await batch.ExecuteReaderAsync(cancel);
        if (!await rows.ReadAsync(cancel))
        {
            return (null, null);
        }

        var status = rows.GetString(0);
        await rows.NextResultAsync(cancel);
        return await rows.ReadAsync(cancel) ? (status, Payment.Read(rows)) : (status, null);
    }

    private static async Task<Begun?> FindByKeyAsync(NpgsqlConnection connection, ShardId user, string key, byte[] fingerprint, CancellationToken cancel) => await Sql.OneAsync(
        Sql.Command(connection, $"SELECT {Payment.Columns}, fingerprint FROM payments WHERE bucket_id = $1 AND user_id = $2 AND key = $3", user.Bucket, user.Value, key),
        row => new Begun(row.GetFieldValue<byte[]>(11).AsSpan().SequenceEqual(fingerprint) ? Beginning.Repeated : Beginning.OtherRequest, Payment.Read(row)),
        cancel);

    private static Task<Payment?> LiveAsync(ShardTransaction write, ShardId order, CancellationToken cancel) => Sql.OneAsync(
        Sql.Command(write.Connection, $"SELECT {Payment.Columns} FROM payments WHERE bucket_id = $1 AND order_id = $2 AND {Payment.Live}", write.Bucket, order.Value), Payment.Read, cancel);
}
