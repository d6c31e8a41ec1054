-- Images of products, at their merchant; the files are elsewhere (docs/rez/images.md). A row is there before its files and goes after
-- them, so that no file is left that nobody knows.
CREATE TABLE images (
    bucket_id     integer     NOT NULL,                          -- of the merchant, and so in the id
    id            bigint      NOT NULL,
    merchant_id   integer     NOT NULL,
    product_id    bigint      NOT NULL,
    position      integer     NOT NULL,
    state         text        NOT NULL DEFAULT 'uploading' CHECK (state IN ('uploading', 'received', 'original', 'ready', 'failed', 'deleted')),
    type          text        CHECK (type IN ('image/jpeg', 'image/png', 'image/webp')),
    bytes         integer,
    sha256        bytea,
    width         integer,                                       -- of the largest that is served
    height        integer,
    widths        integer[]   NOT NULL DEFAULT '{}',             -- that were made, in each format; the largest last
    problem       text,
    touched_at    timestamptz NOT NULL DEFAULT now(),            -- when its state changed
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket_id, id),
    CHECK (state IN ('uploading', 'deleted') OR (type, bytes, sha256, width, height) IS NOT NULL),
    CHECK (state <> 'ready' OR cardinality(widths) > 0)
);
CREATE INDEX images_product ON images (bucket_id, product_id, position, id);
CREATE INDEX images_open    ON images (state, id) WHERE state IN ('uploading', 'original', 'deleted');   -- asked of every database

-- A product shows those that can be served: rendered when one of them changes, and published with the product's next version.
ALTER TABLE merchant_products ADD COLUMN images text NOT NULL DEFAULT '[]';
ALTER TABLE products          ADD COLUMN images text NOT NULL DEFAULT '[]';

CREATE FUNCTION images_json(bucket integer, product bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT '[' || coalesce(string_agg('{"id":"' || id || '","url":"/images/' || id || '/' || coalesce(widths[cardinality(widths)], width)
        || '","width":' || width || ',"height":' || height || ',"widths":' || to_json(widths) || '}', ',' ORDER BY position, id), '') || ']'
    FROM images WHERE bucket_id = bucket AND product_id = product AND state IN ('ready', 'original')
$$;

CREATE OR REPLACE FUNCTION product_json(p products, category categories, store stores) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT '{"id":' || p.id || ',"name":' || to_json(p.name) || ',"brand":' || to_json(p.brand)
        || ',"description":' || to_json(p.description) || ',"price":' || round(p.price_cents / 100.0, 2)
        || ',"currency":"USD","rating":' || round(p.rating_tenths / 10.0, 1) || ',"reviewCount":' || p.review_count
        || ',"category":{"id":' || category.id || ',"slug":' || to_json(category.slug) || ',"name":' || to_json(category.name)
        || '},"store":{"id":' || p.store_id || ',"name":' || to_json(store.name) || '},"merchantId":' || store.merchant_id
        || ',"isFeatured":' || p.is_featured || ',"isActive":' || p.is_active
        || ',"createdAt":"' || utc(p.created_at) || '","updatedAt":"' || utc(p.updated_at) || '","version":' || p.version || ',"images":' || p.images || '}'
$$;

-- A catalogue that is there already: none of its products has an image yet.
ALTER TABLE products DISABLE TRIGGER USER;
UPDATE products SET json = left(json, -1) || ',"images":[]}';
ALTER TABLE products ENABLE TRIGGER USER;
