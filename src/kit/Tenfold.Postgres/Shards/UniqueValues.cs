using Npgsql;

namespace Tenfold.Postgres.Shards;

/// <summary>
/// Values of one kind that are unique across all shards (e-mail addresses, phone numbers), by reservation:
/// <list type="number">
/// <item><b>reserve</b>: the home database notes value, bucket and a token, with a time until which nobody asks;</item>
/// <item><b>commit</b>: the transaction that writes the row on its shard also claims the token there;</item>
/// <item><b>confirm</b>: the home database notes that the value is taken for good.</item>
/// </list>
/// Whoever dies between two steps leaves an expired reservation. The next one who wants the value settles it: it writes a refusal under
/// the same token on the shard. If a claim is there already, the row was committed and the reservation is confirmed; if not, it never
/// can be, and the value is free. Thread-safe.
/// </summary>
public sealed class UniqueValues
{
    private static readonly TimeSpan DefaultTime = TimeSpan.FromSeconds(30);

    private readonly ShardedStore _store;
    private readonly string _kind;

    internal UniqueValues(ShardedStore store, string kind) => (_store, _kind) = (store, kind);

    /// <summary>
    /// Writes a row that carries the value: reserves it, runs <paramref name="work"/> in the transaction that claims it, confirms.
    /// When that transaction fails, the value is free again at once.
    /// </summary>
    /// <param name="value">In its normal form: this class compares bytes.</param>
    /// <param name="key">What the row is sharded by.</param>
    /// <param name="work">Writes the row.</param>
    /// <param name="caller">Who writes.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>False when the value is taken, or is being taken; nothing was written.</returns>
    /// <exception cref="ShardException"><see cref="ShardFailure.Reservation"/>: the reservation expired before it was claimed, and somebody else settled it; nothing was written.</exception>
    public async Task<bool> WriteAsync(string value, ShardKey key, Func<ShardTransaction, CancellationToken, Task> work, Caller? caller, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(work);
        if (await ReserveAsync(value, key, DefaultTime, cancel) is not { } reservation)
        {
            return false;
        }

        try
        {
            await _store.WriteAsync(
                key,
                async (transaction, token) =>
                {
                    await ClaimAsync(transaction, reservation, token);
                    await work(transaction, token);
                    return true;
                },
                caller,
                cancel);
        }
        catch
        {
            await GiveUpAsync(reservation); // not committed, or not known to be (a connection lost in the commit): a claimed value is never freed
            throw;
        }

        await ConfirmAsync(reservation, cancel);
        return true;
    }

    /// <summary>Step 1. Reserves the value for a row of the key.</summary>
    /// <param name="value">In its normal form.</param>
    /// <param name="key">What the row is sharded by.</param>
    /// <param name="time">How long nobody may settle the reservation; longer than the row's transaction usually takes.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>Null when the value is taken or reserved.</returns>
    public async Task<Reservation?> ReserveAsync(string value, ShardKey key, TimeSpan time, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(value);
        var wanted = new Reservation(_kind, value, Guid.NewGuid(), _store.Map.BucketOf(key));
        while (true)
        {
            await using var home = await _store.Home.OpenWriterAsync(null, cancel);
            var made = await Sql.ExecuteAsync(
                home,
                "INSERT INTO tenfold.shard_reservations (kind, value, token, bucket, confirmed, expires_at) VALUES ($1, $2, $3, $4, false, clock_timestamp() + $5) ON CONFLICT DO NOTHING",
                cancel,
                wanted.Kind,
                wanted.Value,
                wanted.Token,
                wanted.Bucket,
                time);
            if (made > 0)
            {
                return wanted;
            }

            var expired = await Sql.ListAsync(
                home,
                "SELECT token, bucket FROM tenfold.shard_reservations WHERE kind = $1 AND value = $2 AND NOT confirmed AND expires_at < clock_timestamp()",
                rows => new Reservation(_kind, value, rows.GetGuid(0), rows.GetInt32(1)),
                cancel,
                _kind,
                value);
            if (expired is not [var other] || await SettleAsync(other, cancel))
            {
                return null;
            }
        }
    }

    /// <summary>Step 2. Takes the reservation up, in the transaction that writes the row.</summary>
    /// <exception cref="ShardException"><see cref="ShardFailure.Reservation"/>: it had expired and was settled as never taken up.</exception>
    public static async Task ClaimAsync(ShardTransaction transaction, Reservation reservation, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        ArgumentNullException.ThrowIfNull(reservation);
        var claimed = await Sql.ExecuteAsync(
            transaction.Connection,
            "INSERT INTO tenfold.shard_claims (bucket_id, token, refused) VALUES ($1, $2, false) ON CONFLICT DO NOTHING",
            cancel,
            reservation.Bucket,
            reservation.Token);
        if (claimed == 0)
        {
            throw new ShardException(ShardFailure.Reservation, $"the reservation of {reservation.Kind} '{reservation.Value}' expired before its row was written, and the value was given free; reserve it again");
        }
    }

    /// <summary>Step 3. The value is taken for good. If this is never called, the next one who wants the value does it.</summary>
    public async Task ConfirmAsync(Reservation reservation, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(reservation);
        await using (var home = await _store.Home.OpenWriterAsync(null, cancel))
        {
            await Sql.ExecuteAsync(home, "UPDATE tenfold.shard_reservations SET confirmed = true WHERE kind = $1 AND value = $2 AND token = $3", cancel, reservation.Kind, reservation.Value, reservation.Token);
        }

        // Only now: without the claim an unconfirmed reservation would count as never taken up.
        await ForgetClaimAsync(reservation, cancel);
    }

    /// <summary>Gives a reservation up whose row was not written, or is not known to be: the value is free at once, unless a row has it.</summary>
    /// <remarks>If this is never called, or no database can be reached, the reservation expires.</remarks>
    public async Task GiveUpAsync(Reservation reservation)
    {
        ArgumentNullException.ThrowIfNull(reservation);
        try
        {
            await SettleAsync(reservation, CancellationToken.None);
        }
        catch (Exception e) when (e is NpgsqlException or PostgresStoreException or ShardException or TimeoutException)
        {
            // It expires, and the next one who wants the value settles it.
        }
    }

    /// <summary>Finds the bucket of the row that carries a value.</summary>
    /// <param name="value">In its normal form.</param>
    /// <param name="caller">Who reads.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>Null when nobody has the value. A value that is being taken has a bucket, too; whether the row is there, the bucket's database says.</returns>
    public async Task<ShardKey?> FindAsync(string value, Caller? caller, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(value);
        await using var home = await _store.Home.OpenReaderAsync(caller, cancel);
        var found = await Sql.ListAsync(home, "SELECT bucket FROM tenfold.shard_reservations WHERE kind = $1 AND value = $2", rows => rows.GetInt32(0), cancel, _kind, value);
        return found.Count == 0 ? (ShardKey?)null : ShardKey.OfBucket(found[0]);
    }

    /// <summary>Gives a value free when its row is deleted or gets another one; after that row's transaction has committed.</summary>
    /// <param name="value">The value.</param>
    /// <param name="key">What its row is sharded by: another bucket's value is left alone.</param>
    /// <param name="cancel">Ends the wait.</param>
    public async Task ReleaseAsync(string value, ShardKey key, CancellationToken cancel)
    {
        await using var home = await _store.Home.OpenWriterAsync(null, cancel);
        await Sql.ExecuteAsync(home, "DELETE FROM tenfold.shard_reservations WHERE kind = $1 AND value = $2 AND bucket = $3 AND confirmed", cancel, _kind, value, _store.Map.BucketOf(key));
    }

    /// <summary>Removes refusals that no transaction can meet any more. For a daily job.</summary>
    /// <param name="olderThan">Longer than any transaction lives.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>How many were removed.</returns>
    public async Task<int> SweepAsync(TimeSpan olderThan, CancellationToken cancel)
    {
        var removed = 0;
        for (var bucket = 0; bucket < _store.Map.Scheme.Count; bucket++)
        {
            await using var batch = new NpgsqlBatch
            {
                BatchCommands =
                {
                    new NpgsqlBatchCommand("DELETE FROM tenfold.shard_claims WHERE bucket_id = $1 AND refused AND made_at < now() - $2::interval")
                    {
                        Parameters = { new() { Value = bucket }, new() { Value = olderThan } },
                    },
                },
            };
            removed += await _store.ExecuteAsync(ShardKey.OfBucket(bucket), batch, null, cancel);
        }

        return removed;
    }

    /// <summary>Finds out what became of a reservation, and makes that final.</summary>
    /// <returns>Whether it was taken up.</returns>
    private async Task<bool> SettleAsync(Reservation reservation, CancellationToken cancel)
    {
        // Waits for a transaction that has claimed the token and is not at its end.
        var taken = await _store.WriteAsync(
            ShardKey.OfBucket(reservation.Bucket),
            async (transaction, token) =>
            {
                await Sql.ExecuteAsync(transaction.Connection, "INSERT INTO tenfold.shard_claims (bucket_id, token, refused) VALUES ($1, $2, true) ON CONFLICT DO NOTHING", token, reservation.Bucket, reservation.Token);
                return await Sql.ScalarAsync<bool>(transaction.Connection, "SELECT NOT refused FROM tenfold.shard_claims WHERE bucket_id = $1 AND token = $2", token, reservation.Bucket, reservation.Token);
            },
            null,
            cancel);
        if (taken)
        {
            await ConfirmAsync(reservation, cancel);
            return true;
        }

        await using var home = await _store.Home.OpenWriterAsync(null, cancel);
        await Sql.ExecuteAsync(home, "DELETE FROM tenfold.shard_reservations WHERE kind = $1 AND value = $2 AND token = $3 AND NOT confirmed", cancel, reservation.Kind, reservation.Value, reservation.Token);
        return false;
    }

    private async Task ForgetClaimAsync(Reservation reservation, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand("DELETE FROM tenfold.shard_claims WHERE bucket_id = $1 AND token = $2 AND NOT refused")
                {
                    Parameters = { new() { Value = reservation.Bucket }, new() { Value = reservation.Token } },
                },
            },
        };
        await _store.ExecuteAsync(ShardKey.OfBucket(reservation.Bucket), batch, null, cancel);
    }
}

/// <summary>A value that is reserved.</summary>
/// <param name="Kind">Kind of value.</param>
/// <param name="Value">The value.</param>
/// <param name="Token">Names this attempt.</param>
/// <param name="Bucket">Bucket of the row that is to carry it.</param>
public sealed record Reservation(string Kind, string Value, Guid Token, int Bucket);
