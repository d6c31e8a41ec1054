-- Images of products, at their merchant; the files are elsewhere (docs/rez/images.md).
CREATE TABLE images (
    bucket_id     integer     NOT NULL,                          -- of the merchant, and so in the id
    id            bigint      NOT NULL,
    merchant_id   integer     NOT NULL,
    product_id    bigint      NOT NULL,
    position      integer     NOT NULL,
    state         text        NOT NULL DEFAULT 'received' CHECK (state IN ('received', 'ready', 'failed')),
    type          text        NOT NULL CHECK (type IN ('image/jpeg', 'image/png', 'image/webp')),
    bytes         integer     NOT NULL,
    sha256        bytea       NOT NULL,
    width         integer,
    height        integer,
    widths        integer[]   NOT NULL DEFAULT '{}',             -- that were made, in each format
    problem       text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket_id, id)
);
CREATE INDEX images_product ON images (bucket_id, product_id, position, id);
