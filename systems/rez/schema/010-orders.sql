-- Stock is at its merchant, cart and orders are at their user. An order is placed in three steps, each a transaction of one bucket:
-- claim the Idempotency-Key (user), hold the stock (each merchant, in order), write the order (user). Docs: docs/rez/orders.md.

DROP TABLE order_lines;                                          -- of 005, where an order had one merchant; nothing wrote to them
DROP TABLE orders;
DROP TABLE users;                                                -- accounts (007)

CREATE TABLE stock (
    bucket_id     integer     NOT NULL,                          -- of the merchant
    product_id    bigint      NOT NULL,
    merchant_id   integer     NOT NULL,
    received      bigint      NOT NULL CHECK (received >= 0),    -- all that ever came, without what was taken away again
    available     integer     NOT NULL CHECK (available >= 0),
    reserved      integer     NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    sold          bigint      NOT NULL DEFAULT 0 CHECK (sold >= 0),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket_id, product_id),
    CHECK (received = available + reserved + sold)
) WITH (fillfactor = 70);

-- What an order holds until it is paid (sold) or not (released).
CREATE TABLE stock_holds (
    bucket_id     integer     NOT NULL,                          -- of the merchant
    order_id      bigint      NOT NULL,
    product_id    bigint      NOT NULL,
    quantity      integer     NOT NULL CHECK (quantity > 0),
    state         text        NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'sold', 'released')),
    expires_at    timestamptz NOT NULL,
    PRIMARY KEY (bucket_id, order_id, product_id)
);
CREATE INDEX stock_holds_open ON stock_holds (expires_at) WHERE state = 'held';

-- Ids are ordered by time: the newest first is the highest first.
CREATE TABLE orders (
    bucket_id     integer     NOT NULL,                          -- of the user, and so in the id
    id            bigint      NOT NULL,
    user_id       bigint      NOT NULL,
    status        text        NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'paid', 'shipped', 'delivered', 'cancelled', 'refunded')),
    total_cents   bigint      NOT NULL CHECK (total_cents >= 0),
    ship_to       text        NOT NULL,
    expires_at    timestamptz NOT NULL,                          -- unless it is paid by then
    changes       integer     NOT NULL DEFAULT 1,                -- number of its newest event
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket_id, id)
);
CREATE INDEX orders_user    ON orders (bucket_id, user_id, id DESC);
CREATE INDEX orders_status  ON orders (status, id DESC);                              -- of all users: asked of every database
CREATE INDEX orders_pending ON orders (expires_at) WHERE status = 'pending';

-- An order's part at one merchant.
CREATE TABLE merchant_orders (
    bucket_id     integer     NOT NULL,                          -- of the order
    id            bigint      NOT NULL,
    order_id      bigint      NOT NULL,
    merchant_id   integer     NOT NULL,
    status        text        NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'paid', 'shipped', 'delivered', 'cancelled', 'refunded')),
    total_cents   bigint      NOT NULL CHECK (total_cents >= 0),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket_id, id),
    UNIQUE (bucket_id, order_id, merchant_id),
    FOREIGN KEY (bucket_id, order_id) REFERENCES orders ON DELETE CASCADE
);
CREATE INDEX merchant_orders_merchant ON merchant_orders (merchant_id, status, id DESC);   -- asked of every database

CREATE TABLE order_lines (
    bucket_id     integer     NOT NULL,                          -- of the order
    order_id      bigint      NOT NULL,
    product_id    bigint      NOT NULL,
    merchant_id   integer     NOT NULL,
    quantity      integer     NOT NULL CHECK (quantity BETWEEN 1 AND 99),
    price_cents   integer     NOT NULL CHECK (price_cents > 0),  -- when it was ordered
    name          text        NOT NULL,
    PRIMARY KEY (bucket_id, order_id, product_id),
    FOREIGN KEY (bucket_id, order_id) REFERENCES orders ON DELETE CASCADE
);

-- What happened to an order: its history, and what its event stream replays.
CREATE TABLE order_events (
    bucket_id     integer     NOT NULL,                          -- of the order
    order_id      bigint      NOT NULL,
    number        integer     NOT NULL,                          -- from 1, without gaps
    kind          text        NOT NULL,                          -- order.placed, order.paid, …
    actor         text        NOT NULL,                          -- user:ID, merchant:ID, admin:ID, system
    data          jsonb       NOT NULL DEFAULT '{}',
    at            timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket_id, order_id, number),
    FOREIGN KEY (bucket_id, order_id) REFERENCES orders ON DELETE CASCADE
);
