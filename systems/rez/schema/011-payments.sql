-- A payment is written before the provider is asked. One that lives is an order's only one.
CREATE TABLE payments (
    bucket_id     integer     NOT NULL,                          -- of the user, and so in the id
    id            bigint      NOT NULL,
    order_id      bigint      NOT NULL,
    user_id       bigint      NOT NULL,
    amount_cents  bigint      NOT NULL CHECK (amount_cents > 0),
    state         text        NOT NULL DEFAULT 'processing' CHECK (state IN ('processing', 'unknown', 'succeeded', 'declined', 'refunding', 'refunded')),
    key           text CHECK (length(key) BETWEEN 1 AND 200),     -- Idempotency-Key of the request; NULL: nothing was asked of the provider, and it may come again
    fingerprint   bytea       NOT NULL,                          -- of the request
    reference     text,                                          -- the provider's id of it
    problem       text,
    refund_cents  bigint      NOT NULL DEFAULT 0,                -- what is to be given back, with the refund that has begun
    refunded_cents bigint     NOT NULL DEFAULT 0,                -- what was given back
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket_id, id),
    UNIQUE (bucket_id, user_id, key),
    CHECK (refunded_cents BETWEEN 0 AND refund_cents AND refund_cents <= amount_cents),
    FOREIGN KEY (bucket_id, order_id) REFERENCES orders ON DELETE CASCADE
);
CREATE UNIQUE INDEX payments_live ON payments (bucket_id, order_id) WHERE state IN ('processing', 'unknown', 'succeeded');
CREATE INDEX payments_order       ON payments (bucket_id, order_id, id DESC);

-- Webhooks come late, twice, and out of order: each counts once.
CREATE TABLE payment_notices (
    bucket_id     integer     NOT NULL,                          -- of the payment
    id            text        NOT NULL,                          -- the provider's id of the event
    payment_id    bigint      NOT NULL,
    received_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket_id, id)
);
