using Npgsql;

namespace Tenfold.Postgres.Shards;

/// <summary>
/// What a sharded store keeps in the schema <c>tenfold</c> of its databases: in each one the fences of its buckets, the function that
/// writers call, and what a move brings in; in the home database also the map, the journal of moves, the holders of instance numbers and
/// the reservations of unique values.
/// </summary>
internal static class ShardSchema
{
    /// <summary>SQL state with which a database refuses a bucket that it does not own.</summary>
    public const string NotOwned = "TF001";

    /// <summary>Channel on which a new epoch of the map is told.</summary>
    public const string Channel = "tenfold_shard_map";

    /// <summary>First half of the key of a bucket's advisory lock; the second is the bucket.</summary>
    public const int BucketLock = 0x54464248;

    /// <summary>Key of the advisory lock under which these tables, the map and moves are made or changed.</summary>
    public const long MapLock = 0x54464D4150;

    /// <summary>Under which the tables of jobs are made (Tenfold.Jobs): both make the schema, and two that do so at the same time collide.</summary>
    private const long JobsLock = 0x54464A4F42;

    private const int Version = 2;

    private const string Everywhere = """
        CREATE SCHEMA IF NOT EXISTS tenfold;
        CREATE TABLE IF NOT EXISTS tenfold.shard_schema (version integer PRIMARY KEY);

        -- Whether this database owns a bucket. Writers hold the bucket's advisory lock shared and look here; a move holds it alone and writes here.
        CREATE TABLE IF NOT EXISTS tenfold.shard_fences (
            bucket  integer PRIMARY KEY,
            owned   boolean NOT NULL,
            epoch   bigint  NOT NULL      -- of the map that says so
        );

        -- How far a move into this database has come; written in the same transaction as the rows that it brings.
        CREATE TABLE IF NOT EXISTS tenfold.shard_incoming (
            move    bigint  PRIMARY KEY,
            applied pg_lsn  NOT NULL      -- position in the source's log
        );

        -- Which reservations of unique values were taken up by a transaction here (or never will be). Moves with its bucket.
        CREATE TABLE IF NOT EXISTS tenfold.shard_claims (
            bucket_id integer     NOT NULL,
            token     uuid        NOT NULL,
            refused   boolean     NOT NULL,
            made_at   timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (bucket_id, token)
        );

        CREATE OR REPLACE FUNCTION tenfold.hold(bucket_to_hold integer) RETURNS void LANGUAGE plpgsql AS $$
        DECLARE
            is_owned boolean;
        BEGIN
            -- Tried first: that is an expression, which plpgsql evaluates without making a query of it.
            IF NOT pg_try_advisory_xact_lock_shared(1413890632, bucket_to_hold) THEN
                PERFORM pg_advisory_xact_lock_shared(1413890632, bucket_to_hold);
            END IF;
            IF current_setting('transaction_isolation') = 'read committed' THEN
                SELECT owned INTO is_owned FROM tenfold.shard_fences WHERE bucket = bucket_to_hold;
            ELSE
                -- The snapshot may be older than the lock: a fence that has changed since then is a serialization failure.
                SELECT owned INTO is_owned FROM tenfold.shard_fences WHERE bucket = bucket_to_hold FOR SHARE;
            END IF;
            IF is_owned IS NOT TRUE THEN
                RAISE EXCEPTION USING ERRCODE = 'TF001',
                    MESSAGE = format('bucket %s is not owned by database %s (fence of map epoch %s)', bucket_to_hold, current_database(),
                        coalesce((SELECT epoch::text FROM tenfold.shard_fences WHERE bucket = bucket_to_hold), 'none')),
                    HINT = 'Read the shard map again.';
            END IF;
        END $$;

        -- MurmurHash3_x86_32, seed 0, in 64-bit arithmetic: products are made of halves so that they do not overflow.
        CREATE OR REPLACE FUNCTION tenfold.murmur3_times(a bigint, b bigint) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
        $$ SELECT (((((a * (b >> 16)) & 65535) << 16) + a * (b & 65535)) & 4294967295) $$;
        CREATE OR REPLACE FUNCTION tenfold.murmur3(bytes bytea) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
        DECLARE
            hash bigint := 0;
            size integer := length(bytes);
            block bigint;
        BEGIN
            FOR at IN 0 .. size - 1 BY 4 LOOP
                block := 0;
                FOR i IN 0 .. least(3, size - 1 - at) LOOP
                    block := block | (get_byte(bytes, at + i)::bigint << (8 * i));
                END LOOP;
                block := tenfold.murmur3_times(block, 3432918353);
                block := ((block << 15) | (block >> 17)) & 4294967295;
                hash := hash # tenfold.murmur3_times(block, 461845907);
                IF at + 4 <= size THEN
                    hash := ((hash << 13) | (hash >> 19)) & 4294967295;
                    hash := (hash * 5 + 3864292196) & 4294967295;
                END IF;
            END LOOP;
            hash := hash # size;
            hash := tenfold.murmur3_times(hash # (hash >> 16), 2246822507);
            hash := tenfold.murmur3_times(hash # (hash >> 13), 3266489909);
            RETURN hash # (hash >> 16);
        END $$;
        CREATE OR REPLACE FUNCTION tenfold.bucket_of(key bigint, buckets integer) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
        $$ SELECT (tenfold.murmur3(int8send(key)) % buckets)::integer $$;
        CREATE OR REPLACE FUNCTION tenfold.bucket_of(key text, buckets integer) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
        $$ SELECT (tenfold.murmur3(convert_to(key, 'UTF8')) % buckets)::integer $$;
        CREATE OR REPLACE FUNCTION tenfold.bucket_of(key uuid, buckets integer) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
        $$ SELECT (tenfold.murmur3(uuid_send(key)) % buckets)::integer $$;
        """;

    private const string HomeOnly = """
        CREATE TABLE IF NOT EXISTS tenfold.shard_map (
            one     boolean PRIMARY KEY DEFAULT true CHECK (one),
            epoch   bigint  NOT NULL,
            kind    text    NOT NULL,     -- how keys fall into buckets
            buckets integer NOT NULL,
            bounds  text[]  NOT NULL
        );
        CREATE TABLE IF NOT EXISTS tenfold.shard_databases (
            id      integer PRIMARY KEY,
            address text    NOT NULL      -- host, port, database; no secrets; empty for this one
        );
        CREATE TABLE IF NOT EXISTS tenfold.shard_buckets (
            bucket      integer PRIMARY KEY,
            database_id integer NOT NULL REFERENCES tenfold.shard_databases
        );
        -- Position in the owner's log that a replica must have reached to have all that was moved there.
        ALTER TABLE tenfold.shard_buckets ADD COLUMN IF NOT EXISTS arrived text, ADD COLUMN IF NOT EXISTS arrived_at timestamptz;
        CREATE TABLE IF NOT EXISTS tenfold.shard_moves (
            id        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            source    integer     NOT NULL,
            target    integer     NOT NULL,
            buckets   integer[]   NOT NULL,
            step      integer     NOT NULL,         -- the last one that is done
            progress  text        NOT NULL DEFAULT '{}',
            began_at  timestamptz NOT NULL DEFAULT now(),
            flipped_at timestamptz
        );
        -- Written before each object is made, removed after it is gone: what an abandoned move has left is found here.
        CREATE TABLE IF NOT EXISTS tenfold.shard_move_objects (
            move        bigint  NOT NULL,
            database_id integer NOT NULL,
            kind        text    NOT NULL,
            name        text    NOT NULL,
            PRIMARY KEY (move, database_id, kind, name)
        );
        CREATE TABLE IF NOT EXISTS tenfold.shard_instances (
            instance  integer     PRIMARY KEY,
            holder    uuid        NOT NULL,
            expires_at timestamptz NOT NULL,
            below     bigint      NOT NULL          -- milliseconds of ids that were made with this number are below
        );
        CREATE TABLE IF NOT EXISTS tenfold.shard_reservations (
            kind       text        NOT NULL,
            value      text        NOT NULL,
            token      uuid        NOT NULL,
            bucket     integer     NOT NULL,        -- of the row that carries the value
            confirmed  boolean     NOT NULL,
            expires_at timestamptz NOT NULL,
            PRIMARY KEY (kind, value)
        );
        """;

    /// <summary>Makes whatever of it is not there, or of an older version. Safe to call from many processes at once.</summary>
    public static async Task EnsureAsync(NpgsqlConnection connection, bool home, CancellationToken cancel)
    {
        if (await IsThereAsync(connection, home, cancel))
        {
            return;
        }

        await using var transaction = await connection.BeginTransactionAsync(cancel);
        await Sql.ExecuteAsync(connection, "SELECT pg_advisory_xact_lock($1)", cancel, MapLock);
        await Sql.ExecuteAsync(connection, "SELECT pg_advisory_xact_lock($1)", cancel, JobsLock);
        await using (var command = new NpgsqlCommand(home ? Everywhere + HomeOnly : Everywhere, connection))
        {
            await command.ExecuteNonQueryAsync(cancel);
        }

        await Sql.ExecuteAsync(connection, "INSERT INTO tenfold.shard_schema VALUES ($1) ON CONFLICT DO NOTHING", cancel, home ? Version + HomeVersion : Version);
        await transaction.CommitAsync(cancel);
    }

    // Home databases have a row of their own, so that a database that was another's shard before is completed.
    private const int HomeVersion = 1_000_000;

    private static async Task<bool> IsThereAsync(NpgsqlConnection connection, bool home, CancellationToken cancel) =>
        await Sql.ScalarAsync<bool>(connection, "SELECT to_regclass('tenfold.shard_schema') IS NOT NULL", cancel)
        && await Sql.ScalarAsync<bool>(connection, "SELECT EXISTS (SELECT FROM tenfold.shard_schema WHERE version = $1)", cancel, home ? Version + HomeVersion : Version);
}
