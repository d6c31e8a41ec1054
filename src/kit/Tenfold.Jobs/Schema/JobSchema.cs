using Npgsql;

namespace Tenfold.Jobs.Schema;

/// <summary>What jobs keep in the schema <c>tenfold</c> of each database that they are enqueued in.</summary>
/// <remarks>
/// A job's row is in one of three tables: waiting, running, ended. A claim deletes it from the first and inserts it into the second, so
/// the index that claims read has nothing but ready jobs, and rescue reads a table that is as small as the work in hand.
/// </remarks>
public static class JobSchema
{
    /// <summary>Most databases of one store; a job's id modulo this is its database.</summary>
    public const int Databases = 1000;

    /// <summary>Channel on which queues that have got a job are told, by name.</summary>
    internal const string Channel = "tenfold_jobs";

    private const long Lock = 0x54464A4F42; // TFJOB

    private const int Version = 1;

    /// <summary>What all three tables have, in this order.</summary>
    internal const string Columns = "id, queue, lane, kind, payload, enqueued_at, deadline, attempts, run, failures, deaths, errors, key, unique_key, batch, after";

    /// <summary><see cref="Columns"/> to be selected, some of them with another value.</summary>
    internal static string ColumnsWith(params (string Column, string Value)[] others) =>
        string.Join(", ", Columns.Split(", ").Select(column => Array.Find(others, other => other.Column == column).Value ?? column));

    // Of a job that waits no longer: those of tenfold.jobs without their defaults.
    private const string NoLongerWaiting = """
        id          bigint      NOT NULL,
        queue       text        NOT NULL,
        lane        smallint    NOT NULL,
        kind        text        NOT NULL,
        payload     json        NOT NULL,
        enqueued_at timestamptz NOT NULL,
        deadline    timestamptz,
        attempts    smallint,
        run         integer     NOT NULL,
        failures    smallint    NOT NULL,
        deaths      smallint    NOT NULL,
        errors      jsonb,
        key         text,
        unique_key  text,
        batch       bigint,
        after       bigint[],
        """;

    private const string Tables = $"""
        CREATE SCHEMA IF NOT EXISTS tenfold;
        CREATE TABLE IF NOT EXISTS tenfold.job_schema (version integer PRIMARY KEY);

        CREATE TABLE tenfold.jobs (
            id          bigint      NOT NULL,
            queue       text        NOT NULL,
            lane        smallint    NOT NULL,              -- 2 x priority + 1; one less for those that were held before and come back
            kind        text        NOT NULL,
            payload     json        NOT NULL,              -- not jsonb: as it was written, in its order
            enqueued_at timestamptz NOT NULL DEFAULT now(),
            deadline    timestamptz,
            attempts    smallint,                          -- null: as the queue says
            run         integer     NOT NULL DEFAULT 0,    -- how often it was claimed: the fence of whoever runs it
            failures    smallint    NOT NULL DEFAULT 0,
            deaths      smallint    NOT NULL DEFAULT 0,    -- runs whose worker died
            errors      jsonb,                             -- of every attempt
            key         text,
            unique_key  text,                              -- of the row in job_unique that goes when this job starts or ends
            batch       bigint,
            after       bigint[],                          -- jobs that had to complete first
            -- Only while it waits: exactly one of these says why. Ready: place. Blocked: waits > 0. Scheduled: run_at. Else it waits for its key.
            place       bigint,                            -- order within queue and lane
            waits       integer     NOT NULL DEFAULT 0,    -- jobs that it still waits for
            run_at      timestamptz,
            followed    boolean     NOT NULL DEFAULT false, -- job_edges has rows with this one as parent
            PRIMARY KEY (id)
        ) WITH (vacuum_truncate = false, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000);
        CREATE INDEX jobs_ready  ON tenfold.jobs (queue, lane, place) WHERE place IS NOT NULL;
        CREATE INDEX jobs_due    ON tenfold.jobs (run_at) WHERE place IS NULL AND waits = 0 AND run_at IS NOT NULL;
        CREATE INDEX jobs_parked ON tenfold.jobs (queue, key, lane, id) WHERE place IS NULL AND waits = 0 AND run_at IS NULL;

        CREATE TABLE tenfold.jobs_running (
            {NoLongerWaiting}
            worker      bigint      NOT NULL,
            claimed_at  timestamptz NOT NULL,
            started     boolean     NOT NULL DEFAULT false, -- kept only for jobs that a worker died with before
            cancelled   boolean     NOT NULL DEFAULT false, -- somebody has asked for it to end
            holds_key   boolean     NOT NULL DEFAULT false, -- counted in job_keys.running
            followed    boolean     NOT NULL DEFAULT false,
            progress    jsonb,
            PRIMARY KEY (id)
        ) WITH (fillfactor = 70, vacuum_truncate = false, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000);

        CREATE TABLE tenfold.jobs_ended (
            n           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- order of ending
            {NoLongerWaiting}
            outcome     smallint    NOT NULL,              -- 1 completed, 2 failed (a dead letter), 3 cancelled
            started_at  timestamptz,
            ended_at    timestamptz NOT NULL DEFAULT now(),
            worker      text,
            progress    jsonb
        );
        CREATE INDEX jobs_ended_id ON tenfold.jobs_ended (id);
        CREATE INDEX jobs_ended_failed ON tenfold.jobs_ended (queue, n) WHERE outcome = 2; -- dead letters, to be listed and redriven in order

        CREATE TABLE tenfold.job_workers (
            id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            name        text        NOT NULL,              -- of the instance and process, for people
            started_at  timestamptz NOT NULL DEFAULT now(),
            beat_at     timestamptz NOT NULL DEFAULT now(),
            queues      text[]      NOT NULL,
            kinds       text[]      NOT NULL,
            busy        integer     NOT NULL DEFAULT 0,    -- jobs that its handlers run
            stuck       integer     NOT NULL DEFAULT 0     -- handlers that do not end although their time is over
        ) WITH (fillfactor = 50);

        CREATE TABLE tenfold.job_queues (
            name        text        PRIMARY KEY,
            paused_at   timestamptz
        );

        CREATE TABLE tenfold.job_unique (
            kind        text        NOT NULL,
            value       text        NOT NULL,
            job         bigint      NOT NULL,
            until       smallint    NOT NULL,              -- 1 it starts, 2 it ends, 3 the time
            expires_at  timestamptz,
            PRIMARY KEY (kind, value)
        );
        CREATE INDEX job_unique_expires ON tenfold.job_unique (expires_at) WHERE expires_at IS NOT NULL;

        CREATE TABLE tenfold.job_edges (
            parent      bigint      NOT NULL,
            child       bigint      NOT NULL,
            PRIMARY KEY (parent, child)
        );

        -- Jobs that belong together. The batch's id is that of the job that may run when all of them have ended.
        CREATE TABLE tenfold.job_batches (
            id          bigint      PRIMARY KEY,
            total       bigint      NOT NULL,
            completed   bigint      NOT NULL DEFAULT 0,
            failed      bigint      NOT NULL DEFAULT 0,
            cancelled   bigint      NOT NULL DEFAULT 0
        );

        -- Jobs of a key that run, and how full its bucket is (GCRA: the theoretical arrival time). The key '' is the whole queue.
        CREATE TABLE tenfold.job_keys (
            queue       text        NOT NULL,
            key         text        NOT NULL,
            running     integer     NOT NULL DEFAULT 0,
            tat         timestamptz NOT NULL DEFAULT now(),
            slot        timestamptz NOT NULL DEFAULT now(), -- when the last job is due that had to wait for the key's rate
            PRIMARY KEY (queue, key)
        ) WITH (fillfactor = 50);

        CREATE TABLE tenfold.job_schedules (
            name        text        PRIMARY KEY,
            cron        text        NOT NULL,
            zone        text        NOT NULL,
            next_at     timestamptz NOT NULL,
            last_at     timestamptz,
            last_job    bigint,
            seen_at     timestamptz NOT NULL DEFAULT now(), -- when an app that declares it last said so
            paused_at   timestamptz
        );

        -- Effects that have happened, so that they do not happen again.
        CREATE TABLE tenfold.job_inbox (
            source      text        NOT NULL,
            id          text        NOT NULL,
            at          timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (source, id)
        );
        CREATE INDEX job_inbox_at ON tenfold.job_inbox (at);
        """;

    private const string Functions = $"""
        -- Completes a job in its handler's transaction. A function for its setting: the table is small when the statement is planned, and a scan of it
        -- costs more than all the rest when it is not.
        CREATE OR REPLACE FUNCTION tenfold.job_complete(of_job bigint, of_run integer, of_worker bigint, is_kept boolean, took float8, worker_name text)
            RETURNS boolean LANGUAGE plpgsql SET enable_seqscan = off AS $$
        BEGIN
            IF is_kept THEN
                WITH done AS (DELETE FROM tenfold.jobs_running AS job WHERE job.id = of_job AND job.run = of_run AND job.worker = of_worker AND NOT job.followed RETURNING job.*)
                INSERT INTO tenfold.jobs_ended ({Columns}, outcome, started_at, ended_at, worker, progress)
                SELECT {Columns}, 1, clock_timestamp() - make_interval(secs => took), clock_timestamp(), worker_name, progress FROM done;
            ELSE
                DELETE FROM tenfold.jobs_running AS job WHERE job.id = of_job AND job.run = of_run AND job.worker = of_worker AND NOT job.followed;
            END IF;
            RETURN FOUND;
        END $$;

        -- Enqueues a job that waits for others. Looks for each of them more than once: it may be on its way from one table to another.
        CREATE OR REPLACE FUNCTION tenfold.job_enqueue_after(new_queue text, new_lane smallint, new_kind text, new_payload json, new_deadline timestamptz,
            new_attempts smallint, new_key text, new_run_at timestamptz, parents bigint[]) RETURNS bigint LANGUAGE plpgsql AS $$
        DECLARE
            new_id bigint;
            parent bigint;
            unfinished integer := 0;
            outcome_of smallint;
        BEGIN
            -- A transaction without an id would not hold back the floor of workers, should it have to wait below.
            SELECT nextval('tenfold.job_ids') INTO new_id FROM pg_current_xact_id();
            FOR parent IN SELECT DISTINCT p FROM unnest(parents) AS p ORDER BY p LOOP
                IF parent IS NULL OR parent >= new_id OR parent % 1000 <> new_id % 1000 THEN
                    RAISE EXCEPTION USING ERRCODE = 'TF010', MESSAGE = format('there is no job %s in this database that another one could wait for', parent);
                END IF;
                FOR look IN 1 .. 4 LOOP
                    UPDATE tenfold.jobs SET followed = true WHERE id = parent;
                    IF NOT FOUND THEN
                        UPDATE tenfold.jobs_running SET followed = true WHERE id = parent;
                    END IF;
                    IF FOUND THEN
                        INSERT INTO tenfold.job_edges VALUES (parent, new_id);
                        unfinished := unfinished + 1;
                        EXIT;
                    END IF;
                    SELECT outcome INTO outcome_of FROM tenfold.jobs_ended WHERE id = parent ORDER BY n DESC LIMIT 1;
                    IF FOUND AND outcome_of <> 1 THEN
                        RAISE EXCEPTION USING ERRCODE = 'TF010', MESSAGE = format('job %s, which this one would wait for, has %s', parent, CASE outcome_of WHEN 2 THEN 'failed' ELSE 'been cancelled' END);
                    END IF;
                    EXIT WHEN FOUND;
                END LOOP;
            END LOOP;
            INSERT INTO tenfold.jobs (id, place, waits, run_at, queue, lane, kind, payload, deadline, attempts, key, after)
            VALUES (new_id, CASE WHEN unfinished = 0 AND new_run_at IS NULL THEN new_id END, unfinished, new_run_at, new_queue, new_lane, new_kind, new_payload, new_deadline, new_attempts, new_key, parents);
            RETURN new_id;
        END $$;
        """;

    /// <summary>Makes the tables where they are not there yet. Safe to call from many processes at once.</summary>
    /// <param name="connection">To the database, as who owns the schema or may create it.</param>
    /// <param name="database">The database's number in its store, 0 to 999; 0 for one that is not sharded. Ids of its jobs end with it.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="NpgsqlException">It cannot be reached, or refuses.</exception>
    public static async Task EnsureAsync(NpgsqlConnection connection, int database, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentOutOfRangeException.ThrowIfNegative(database);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(database, Databases);
        if (await IsThereAsync(connection, cancel))
        {
            return;
        }

        await using var transaction = await connection.BeginTransactionAsync(cancel);
        await using (var locking = new NpgsqlCommand($"SELECT pg_advisory_xact_lock({Lock})", connection))
        {
            await locking.ExecuteNonQueryAsync(cancel);
        }

        if (!await IsThereAsync(connection, cancel))
        {
            await using var command = new NpgsqlCommand(
                $"CREATE SCHEMA IF NOT EXISTS tenfold; CREATE SEQUENCE tenfold.job_ids INCREMENT {Databases} START {Databases + database} MINVALUE {database}; {Tables} {Functions} INSERT INTO tenfold.job_schema VALUES ({Version})", connection);
            await command.ExecuteNonQueryAsync(cancel);
        }

        await transaction.CommitAsync(cancel);
    }

    /// <summary>Whether the tables are there.</summary>
    internal static async Task<bool> IsThereAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        // Not to_regclass: it may still remember that there is no such schema when another process has just made it.
        await using var table = new NpgsqlCommand("SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'tenfold' AND c.relname = 'job_schema')", connection);
        if (await table.ExecuteScalarAsync(cancel) is not true)
        {
            return false;
        }

        await using var version = new NpgsqlCommand("SELECT coalesce(max(version), 0) FROM tenfold.job_schema", connection);
        return (int)(await version.ExecuteScalarAsync(cancel))! >= Version;
    }
}
