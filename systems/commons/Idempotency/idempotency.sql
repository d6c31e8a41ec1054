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
