-- What staff has changed: who, what, from what to what. Written in the change's own transaction, never changed.
CREATE TABLE audit_log (
    bucket_id     integer     NOT NULL,                          -- of what was changed
    id            bigint      NOT NULL,
    actor         bigint      NOT NULL,                          -- account
    role          text        NOT NULL,
    acts_for      bigint,
    action        text        NOT NULL,                          -- product.update, order.ship, account.deactivate
    subject       text        NOT NULL,                          -- product:123
    before        jsonb,
    after         jsonb,
    address       text        NOT NULL,
    at            timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket_id, id)
);
CREATE INDEX audit_log_newest  ON audit_log (id DESC);           -- these are asked of every database
CREATE INDEX audit_log_subject ON audit_log (subject, id DESC);
CREATE INDEX audit_log_actor   ON audit_log (actor, id DESC);
