-- Sharded tables: bucket_id stands first in every primary key, and every statement filters by it. A product's bucket is that of its
-- merchant, a user's stands in its id, carts and orders have their user's, reviews their product's. Every database has these tables;
-- those of the catalogue (001) hold rows in the first database only.

DO $$
BEGIN
    IF EXISTS (SELECT FROM products) THEN
        RAISE EXCEPTION 'this catalogue was loaded before rez kept its products by merchant'
            USING HINT = 'Load it anew: tenfold down rez --delete, then tenfold up rez.';
    END IF;
END $$;

-- What a merchant says about a product: the truth. What customers read is the catalogue's row (products), which follows it by version.
CREATE TABLE merchant_products (
    bucket_id     integer     NOT NULL,                          -- of merchant_id
    id            bigint      NOT NULL,
    merchant_id   integer     NOT NULL,
    store_id      integer     NOT NULL,
    category_id   integer     NOT NULL,
    price_cents   integer     NOT NULL CHECK (price_cents BETWEEN 1 AND 100000000),
    is_active     boolean     NOT NULL DEFAULT true,
    is_featured   boolean     NOT NULL DEFAULT false,
    brand         text        NOT NULL CHECK (length(brand) BETWEEN 1 AND 80),
    name          text        NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    description   text        NOT NULL CHECK (length(description) <= 5000),
    version       integer     NOT NULL DEFAULT 1,
    published     integer     NOT NULL DEFAULT 0,                -- the newest version that the catalogue is known to have
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket_id, id)
);
CREATE INDEX merchant_products_newest      ON merchant_products (bucket_id, merchant_id, created_at DESC, id DESC);
CREATE INDEX merchant_products_unpublished ON merchant_products (updated_at) WHERE published < version;

-- E-mail and phone are unique over all databases by reservation (UniqueValues), and these indexes find the row.
CREATE TABLE users (
    bucket_id     integer     NOT NULL,                          -- in the id
    id            bigint      NOT NULL,
    email         text        NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    phone         text        CHECK (phone ~ '^\+[1-9][0-9]{6,14}$'),
    name          text        NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket_id, id)
);
CREATE UNIQUE INDEX users_email ON users (bucket_id, email);
CREATE UNIQUE INDEX users_phone ON users (bucket_id, phone) WHERE phone IS NOT NULL;

-- A user's cart is its items. The key serves both the cart and one item of it.
CREATE TABLE cart_items (
    bucket_id     integer     NOT NULL,                          -- of the user
    user_id       bigint      NOT NULL,
    product_id    bigint      NOT NULL,
    quantity      integer     NOT NULL CHECK (quantity BETWEEN 1 AND 99),
    added_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket_id, user_id, product_id)
);

-- Ids are ordered by time: the newest first is the highest first.
CREATE TABLE orders (
    bucket_id     integer     NOT NULL,                          -- of the user, and so in the id
    id            bigint      NOT NULL,
    user_id       bigint      NOT NULL,
    merchant_id   integer     NOT NULL,
    status        text        NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'paid', 'shipped', 'delivered', 'cancelled')),
    total_cents   bigint      NOT NULL CHECK (total_cents >= 0),
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket_id, id)
);
CREATE INDEX orders_user     ON orders (bucket_id, user_id, id DESC);
CREATE INDEX orders_status   ON orders (status, id DESC);                -- of all users: asked of every database
CREATE INDEX orders_merchant ON orders (merchant_id, status, id DESC);   -- likewise

CREATE TABLE order_lines (
    bucket_id     integer     NOT NULL,                          -- of the order
    order_id      bigint      NOT NULL,
    product_id    bigint      NOT NULL,
    quantity      integer     NOT NULL CHECK (quantity BETWEEN 1 AND 99),
    price_cents   integer     NOT NULL CHECK (price_cents > 0),  -- when it was ordered
    name          text        NOT NULL,
    PRIMARY KEY (bucket_id, order_id, product_id),
    FOREIGN KEY (bucket_id, order_id) REFERENCES orders ON DELETE CASCADE
);

CREATE TABLE reviews (
    bucket_id     integer     NOT NULL,                          -- of product_id
    id            bigint      NOT NULL,
    product_id    bigint      NOT NULL,
    user_id       bigint      NOT NULL,
    order_id      bigint      NOT NULL,                          -- whoever reviews has bought
    rating        smallint    NOT NULL CHECK (rating BETWEEN 1 AND 5),
    body          text        NOT NULL CHECK (length(body) <= 5000),
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket_id, id),
    UNIQUE (bucket_id, order_id, product_id)                     -- one for each line of an order
);
CREATE INDEX reviews_product ON reviews (bucket_id, product_id, id DESC);
CREATE INDEX reviews_user    ON reviews (user_id, id DESC);      -- asked of every database
