-- Reviews are shown or not; a product's figures are kept with its reviews, and the catalogue follows them by version.
ALTER TABLE reviews ADD COLUMN state text NOT NULL DEFAULT 'shown' CHECK (state IN ('shown', 'hidden'));
ALTER TABLE reviews ADD COLUMN author text NOT NULL DEFAULT '';  -- the name as it was then
ALTER TABLE reviews ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();

CREATE TABLE product_ratings (
    bucket_id     integer     NOT NULL,                          -- of product_id
    product_id    bigint      NOT NULL,
    count         integer     NOT NULL DEFAULT 0 CHECK (count >= 0),     -- of those that are shown
    sum           bigint      NOT NULL DEFAULT 0 CHECK (sum BETWEEN count AND 5 * count),
    version       integer     NOT NULL DEFAULT 1,
    published     integer     NOT NULL DEFAULT 0,                -- the newest version that the catalogue is known to have
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket_id, product_id)
);
CREATE INDEX product_ratings_unpublished ON product_ratings (updated_at) WHERE published < version;

ALTER TABLE products ADD COLUMN rating_version integer NOT NULL DEFAULT 0;
