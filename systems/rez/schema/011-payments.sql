-- A payment is written before the provider is asked. One that lives is an order's only one.
CREATE TABLE payments (
    bucket_id     integer     NOT NULL,                          -- of the user, and so in the id
    id            bigint      NOT NULL,
    order_id      bigint      NOT NULL,
    user_id       bigint      NOT NULL,
    amount_cents  bigint      NOT NULL CHECK (amount_cents > 0),
    state         text        NOT NULL DEFAULT 'processing' CHECK (state IN ('processing', 'unknown', 'succeeded', 'declined', 'refunding', 'refunded')),
    reference     text,                                          -- the provider's id of it
    problem       text,
    looked_at     timestamptz,                                   -- when it was reconciled last
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket_id, id),
    FOREIGN KEY (bucket_id, order_id) REFERENCES orders ON DELETE CASCADE
);
CREATE UNIQUE INDEX payments_live ON payments (bucket_id, order_id) WHERE state IN ('processing', 'unknown', 'succeeded', 'refunding');
CREATE INDEX payments_order       ON payments (bucket_id, order_id, id DESC);
CREATE INDEX payments_open        ON payments (updated_at) WHERE state IN ('processing', 'unknown', 'refunding');

-- Webhooks come late, twice, and out of order: each counts once.
CREATE TABLE payment_notices (
    bucket_id     integer     NOT NULL,                          -- of the payment
    id            text        NOT NULL,                          -- the provider's id of the event
    payment_id    bigint      NOT NULL,
    received_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket_id, id)
);
