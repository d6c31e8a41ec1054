-- One row for each Idempotency-Key of a caller and operation. 'working' is claimed by one request (its attempt); 'done' holds the answer.
CREATE TABLE idempotency_keys (
    bucket_id     integer     NOT NULL,                          -- of the caller
    caller        bigint      NOT NULL,                          -- account
    operation     text        NOT NULL,
    key           text        NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    body_hash     bytea       NOT NULL,
    attempt       bigint      NOT NULL,                          -- whoever ends it must still be this one
    state         text        NOT NULL DEFAULT 'working' CHECK (state IN ('working', 'done')),
    status        smallint,
    answer        text,
    claimed_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket_id, caller, operation, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (claimed_at);

-- Claims a key for an attempt: 'claimed' when it is new, or was another attempt's that has said nothing for so long. Else what is there:
-- 'done' with its answer, 'working', or 'other' when it came with another body. A claim that a crash loses has changed nothing yet: no
-- commit waits for the disk here.
CREATE FUNCTION claim_key(bucket integer, who bigint, what text, named text, hash bytea, try bigint, silence interval,
    OUT outcome text, OUT was_status smallint, OUT was_answer text, OUT at timestamptz) LANGUAGE plpgsql AS $$
DECLARE
    known idempotency_keys;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    at := now();
    LOOP
        INSERT INTO idempotency_keys AS k (bucket_id, caller, operation, key, body_hash, attempt) VALUES (bucket, who, what, named, hash, try)
        ON CONFLICT (bucket_id, caller, operation, key) DO UPDATE SET attempt = excluded.attempt, claimed_at = now()
            WHERE k.state = 'working' AND k.body_hash = excluded.body_hash AND k.claimed_at < now() - silence;
        IF FOUND THEN
            outcome := 'claimed';
            RETURN;
        END IF;

        SELECT * INTO known FROM idempotency_keys WHERE bucket_id = bucket AND caller = who AND operation = what AND key = named;
        IF FOUND THEN
            outcome := CASE WHEN known.body_hash <> hash THEN 'other' ELSE known.state END;
            was_status := known.status;
            was_answer := known.answer;
            RETURN;
        END IF;
        -- It was freed in between.
    END LOOP;
END $$;

-- Ends a claim with its answer, in the transaction that has the effect; an attempt that was taken over cannot.
CREATE FUNCTION end_key(bucket integer, who bigint, what text, named text, try bigint, new_status smallint, new_answer text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE idempotency_keys SET state = 'done', status = new_status, answer = new_answer
    WHERE bucket_id = bucket AND caller = who AND operation = what AND key = named AND attempt = try AND state = 'working';
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'ID001', MESSAGE = format('attempt %s of key ''%s'' was taken over by another one', try, named);
    END IF;
END $$;
