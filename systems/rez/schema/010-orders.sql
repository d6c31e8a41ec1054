-- Stock is at its merchant, cart and orders are at their user. An order is placed in three steps, each a transaction of one bucket:
-- claim the Idempotency-Key (user), hold the stock (each merchant, in order), write the order (user). Docs: docs/rez/orders.md.

DROP TABLE order_lines;                                          -- of 005, where an order had one merchant; nothing wrote to them
DROP TABLE orders;
DROP TABLE users;                                                -- accounts (007)

-- Guests have carts, too: of negative numbers, which follow from the secret in their cookie.
CREATE INDEX cart_items_guests ON cart_items (added_at) WHERE user_id < 0;

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
CREATE INDEX orders_newest  ON orders (id DESC);                                      -- of all users: these two are asked of every database
CREATE INDEX orders_status  ON orders (status, id DESC);
CREATE INDEX orders_pending ON orders (expires_at) WHERE status = 'pending';

-- An order's part at one merchant.
CREATE TABLE merchant_orders (
    bucket_id     integer     NOT NULL,                          -- of the order
    id            bigint      NOT NULL,
    order_id      bigint      NOT NULL,
    merchant_id   integer     NOT NULL,
    status        text        NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'paid', 'shipped', 'delivered', 'cancelled', 'refunded')),
    total_cents   bigint      NOT NULL CHECK (total_cents >= 0),
    shipped_at    timestamptz,                                   -- what was shipped does not go back to the stock
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket_id, id),
    UNIQUE (bucket_id, order_id, merchant_id),
    FOREIGN KEY (bucket_id, order_id) REFERENCES orders ON DELETE CASCADE
);
CREATE INDEX merchant_orders_newest   ON merchant_orders (merchant_id, id DESC);           -- these two are asked of every database
CREATE INDEX merchant_orders_merchant ON merchant_orders (merchant_id, status, id DESC);

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

-- Holds products of one merchant for an order: all of them, or none. Answers with each as it is: price and name, null when the merchant
-- does not offer it; how many there are. Rows are locked by product, so that two orders cannot wait for each other. When the order will be
-- written to the same database, its commit brings this one to the disk.
CREATE FUNCTION hold_stock(bucket integer, merchant integer, new_order bigint, wanted bigint[], wished integer[], until timestamptz, is_same_database boolean)
RETURNS TABLE (product bigint, price integer, product_name text, left_over integer, is_held boolean) LANGUAGE plpgsql AS $$
DECLARE
    is_there boolean;
BEGIN
    IF is_same_database THEN
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    PERFORM FROM stock WHERE bucket_id = bucket AND product_id = ANY (wanted) ORDER BY product_id FOR NO KEY UPDATE;
    SELECT coalesce(bool_and(m.is_active AND s.available >= w.quantity), false) INTO is_there
    FROM unnest(wanted, wished) w(id, quantity)
        LEFT JOIN merchant_products m ON m.bucket_id = bucket AND m.id = w.id AND m.merchant_id = merchant
        LEFT JOIN stock s ON s.bucket_id = bucket AND s.product_id = w.id;
    IF is_there THEN
        UPDATE stock s SET available = available - w.quantity, reserved = reserved + w.quantity, updated_at = now()
        FROM unnest(wanted, wished) w(id, quantity) WHERE s.bucket_id = bucket AND s.product_id = w.id;
        INSERT INTO stock_holds (bucket_id, order_id, product_id, quantity, expires_at) SELECT bucket, new_order, w.id, w.quantity, until FROM unnest(wanted, wished) w(id, quantity);
    END IF;
    RETURN QUERY SELECT w.id, m.price_cents, m.name, CASE WHEN m.is_active THEN coalesce(s.available, 0) ELSE 0 END, is_there
    FROM unnest(wanted, wished) w(id, quantity)
        LEFT JOIN merchant_products m ON m.bucket_id = bucket AND m.id = w.id AND m.merchant_id = merchant AND m.is_active
        LEFT JOIN stock s ON s.bucket_id = bucket AND s.product_id = w.id
    ORDER BY w.id;
END $$;

-- What an order holds at a merchant is sold. Done again it changes nothing.
CREATE FUNCTION settle_stock(bucket integer, merchant integer, paid_order bigint) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    settled integer;
BEGIN
    PERFORM FROM stock s JOIN stock_holds h USING (bucket_id, product_id)
    WHERE s.bucket_id = bucket AND s.merchant_id = merchant AND h.order_id = paid_order ORDER BY product_id FOR NO KEY UPDATE OF s;
    WITH held AS (
        UPDATE stock_holds h SET state = 'sold' FROM stock s
        WHERE h.bucket_id = bucket AND h.order_id = paid_order AND h.state = 'held' AND s.bucket_id = bucket AND s.product_id = h.product_id AND s.merchant_id = merchant
        RETURNING h.product_id, h.quantity)
    UPDATE stock s SET reserved = reserved - held.quantity, sold = sold + held.quantity, updated_at = now()
    FROM held WHERE s.bucket_id = bucket AND s.product_id = held.product_id;
    GET DIAGNOSTICS settled = ROW_COUNT;
    RETURN settled;
END $$;

-- What an order holds or has bought at a merchant is available again. Done again it changes nothing.
CREATE FUNCTION release_stock(bucket integer, merchant integer, gone_order bigint) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    released integer;
BEGIN
    PERFORM FROM stock s JOIN stock_holds h USING (bucket_id, product_id)
    WHERE s.bucket_id = bucket AND s.merchant_id = merchant AND h.order_id = gone_order ORDER BY product_id FOR NO KEY UPDATE OF s;
    WITH freed AS (
        UPDATE stock_holds h SET state = 'released' FROM stock_holds before, stock s
        WHERE h.bucket_id = bucket AND h.order_id = gone_order AND h.state <> 'released' AND s.bucket_id = bucket AND s.product_id = h.product_id AND s.merchant_id = merchant
            AND before.bucket_id = bucket AND before.order_id = gone_order AND before.product_id = h.product_id
        RETURNING h.product_id, h.quantity, before.state)
    UPDATE stock s SET available = available + freed.quantity, updated_at = now(),
        reserved = reserved - CASE WHEN freed.state = 'held' THEN freed.quantity ELSE 0 END,
        sold = sold - CASE WHEN freed.state = 'sold' THEN freed.quantity ELSE 0 END
    FROM freed WHERE s.bucket_id = bucket AND s.product_id = freed.product_id;
    GET DIAGNOSTICS released = ROW_COUNT;
    RETURN released;
END $$;

-- Writes an order for what is held, and ends its claim with it as it is shown: all in the transaction that the buyer waits for. What is
-- held must stay so for a minute at least: nobody has begun to release it, and nobody will before this is committed.
CREATE FUNCTION place_order(bucket integer, buyer bigint, named text, new_order bigint, total bigint, address text, ordered_at timestamptz, until timestamptz,
    parts bigint[], part_merchants integer[], part_totals bigint[], products bigint[], merchants integer[], quantities integer[], prices integer[], names text[])
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    placed orders;
    reply  text;
BEGIN
    IF until < clock_timestamp() + interval '60 seconds' THEN
        RAISE EXCEPTION USING ERRCODE = 'OR001', MESSAGE = format('order %s holds its products until %s, less than a minute from now', new_order, until);
    END IF;
    INSERT INTO orders (bucket_id, id, user_id, total_cents, ship_to, expires_at, created_at, updated_at) VALUES (bucket, new_order, buyer, total, address, until, ordered_at, ordered_at) RETURNING * INTO placed;
    INSERT INTO merchant_orders (bucket_id, id, order_id, merchant_id, total_cents) SELECT bucket, p.id, new_order, p.merchant, p.cents FROM unnest(parts, part_merchants, part_totals) p(id, merchant, cents);
    INSERT INTO order_lines (bucket_id, order_id, product_id, merchant_id, quantity, price_cents, name)
    SELECT bucket, new_order, l.* FROM unnest(products, merchants, quantities, prices, names) l;
    INSERT INTO order_events (bucket_id, order_id, number, kind, actor, data, at) VALUES (bucket, new_order, 1, 'order.placed', 'user:' || buyer, '{"status":"pending"}', ordered_at);
    DELETE FROM cart_items WHERE bucket_id = bucket AND user_id = buyer AND product_id = ANY (products);
    reply := '{"success":true,"data":' || order_json(placed) || '}';
    PERFORM end_key(bucket, buyer, 'orders.place', named, new_order, 201::smallint, reply);
    RETURN reply;
END $$;
