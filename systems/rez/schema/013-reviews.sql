-- Reviews are shown or not. A product's figures are kept with its reviews, in the transaction that changes one of them; the catalogue
-- follows them by version. Docs: docs/rez/reviews.md.
ALTER TABLE reviews ADD COLUMN state text NOT NULL DEFAULT 'shown' CHECK (state IN ('shown', 'hidden'));
ALTER TABLE reviews ADD COLUMN author text NOT NULL DEFAULT '';  -- the name as it was then
ALTER TABLE reviews ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX reviews_rating ON reviews (bucket_id, product_id, rating DESC, id DESC) WHERE state = 'shown';

CREATE TABLE product_ratings (
    bucket_id     integer     NOT NULL,                          -- of product_id
    product_id    bigint      NOT NULL,
    stars         integer[]   NOT NULL,                          -- how many of the reviews that are shown give 1, 2, 3, 4, 5
    count         integer     NOT NULL,
    sum           bigint      NOT NULL,
    version       integer     NOT NULL DEFAULT 1,
    published     integer     NOT NULL DEFAULT 0,                -- the newest version that the catalogue is known to have
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket_id, product_id),
    CHECK (cardinality(stars) = 5 AND 0 <= ALL (stars)),
    CHECK (count = stars[1] + stars[2] + stars[3] + stars[4] + stars[5]),
    CHECK (sum = stars[1] + 2 * stars[2] + 3 * stars[3] + 4 * stars[4] + 5 * stars[5])
) WITH (fillfactor = 80);
CREATE INDEX product_ratings_unpublished ON product_ratings (updated_at) WHERE published < version;

-- In the first database: which version of its figures a product of the catalogue shows. None: those that it was loaded with.
CREATE TABLE published_ratings (
    product_id    bigint      PRIMARY KEY,
    version       integer     NOT NULL
);
