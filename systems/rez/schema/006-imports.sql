-- Products by file: a merchant knows its products by keys of its own, a file is staged line by line and then applied in pieces.

-- Every product has its merchant's key; those that were there get one.
ALTER TABLE merchant_products ADD COLUMN sku text;
ALTER TABLE merchant_products ADD COLUMN import_id bigint;         -- that wrote it last
UPDATE merchant_products SET sku = 'P' || id;
ALTER TABLE merchant_products ALTER COLUMN sku SET NOT NULL;
ALTER TABLE merchant_products ADD CONSTRAINT merchant_products_sku_length CHECK (length(sku) BETWEEN 1 AND 64);
CREATE UNIQUE INDEX merchant_products_sku ON merchant_products (bucket_id, merchant_id, sku);

CREATE TABLE imports (
    bucket_id     integer     NOT NULL,                            -- of the merchant, and so in the id
    id            bigint      NOT NULL,
    merchant_id   integer     NOT NULL,
    key           text        NOT NULL,                            -- Idempotency-Key of the request
    state         text        NOT NULL DEFAULT 'uploading' CHECK (state IN ('uploading', 'abandoned', 'waiting', 'running', 'completed', 'failed')),
    format        text        NOT NULL CHECK (format IN ('csv', 'ndjson')),
    bytes         bigint      NOT NULL DEFAULT 0,
    sha256        bytea,                                           -- of the file; null until it is whole
    rows          integer     NOT NULL DEFAULT 0,                  -- products in the file, right or wrong
    position      integer     NOT NULL DEFAULT 0,                  -- line of the last one that was applied
    created       integer     NOT NULL DEFAULT 0,
    updated       integer     NOT NULL DEFAULT 0,
    unchanged     integer     NOT NULL DEFAULT 0,
    rejected      integer     NOT NULL DEFAULT 0,
    problem       text,                                            -- why it has failed
    job           bigint,
    changes       bigint      NOT NULL DEFAULT 1,                  -- counts the row's changes: the id of an event
    touched_at    timestamptz NOT NULL DEFAULT now(),
    created_at    timestamptz NOT NULL DEFAULT now(),
    received_at   timestamptz,
    started_at    timestamptz,
    ended_at      timestamptz,
    PRIMARY KEY (bucket_id, id)
);
CREATE UNIQUE INDEX imports_key    ON imports (bucket_id, merchant_id, key) WHERE state <> 'abandoned';
CREATE INDEX imports_newest        ON imports (bucket_id, merchant_id, id DESC);
CREATE INDEX imports_open          ON imports (touched_at) WHERE state IN ('uploading', 'abandoned', 'waiting', 'running');

-- Lines that wait to be applied; one that was is deleted in the same transaction. No foreign key: its check would cost more than the row.
CREATE TABLE import_rows (
    bucket_id     integer     NOT NULL,                            -- of the import
    import_id     bigint      NOT NULL,
    line          integer     NOT NULL,
    sku           text        NOT NULL,
    name          text,                                            -- null: the file does not say, what is there stays
    brand         text,
    description   text,
    price_cents   integer,
    category_id   integer,
    store_id      integer,
    is_active     boolean,
    is_featured   boolean,
    PRIMARY KEY (bucket_id, import_id, line)
);

-- The first lines that were wrong.
CREATE TABLE import_errors (
    bucket_id     integer     NOT NULL,                            -- of the import
    import_id     bigint      NOT NULL,
    line          integer     NOT NULL,
    message       text        NOT NULL,
    PRIMARY KEY (bucket_id, import_id, line),
    FOREIGN KEY (bucket_id, import_id) REFERENCES imports ON DELETE CASCADE
);

-- Counters and words of many products at a time: once a statement, not once a row.
DROP TRIGGER count_changed ON products;
DROP TRIGGER count_added ON products;
DROP FUNCTION count_products();
DROP FUNCTION count_product(integer, integer, integer, integer, integer);
DROP TRIGGER learn_added ON products;
DROP TRIGGER learn_changed ON products;
DROP FUNCTION learn_words();

-- Whoever changes the counters locks the catalogue's row first, so that two of them cannot wait for each other; and last of all (triggers
-- fire by name), so that others wait for it as short as can be.
CREATE FUNCTION count_products() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed jsonb;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT jsonb_agg(c) INTO changed FROM (
            SELECT category_id, department_id, store_id, merchant_id, count(*) AS n FROM after_it WHERE is_active GROUP BY 1, 2, 3, 4) c;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT jsonb_agg(c) INTO changed FROM (
            SELECT category_id, department_id, store_id, merchant_id, -count(*) AS n FROM before_it WHERE is_active GROUP BY 1, 2, 3, 4) c;
    ELSE
        SELECT jsonb_agg(c) INTO changed FROM (
            SELECT category_id, department_id, store_id, merchant_id, sum(n) AS n FROM (
                SELECT category_id, department_id, store_id, merchant_id, 1 AS n FROM after_it WHERE is_active
                UNION ALL
                SELECT category_id, department_id, store_id, merchant_id, -1 FROM before_it WHERE is_active) both_of
            GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0) c;
    END IF;
    IF changed IS NULL THEN
        RETURN NULL;
    END IF;

    PERFORM 1 FROM catalogue FOR UPDATE;
    UPDATE categories SET product_count = product_count + c.n FROM (
        SELECT id AS category, sum(n)::integer AS n FROM (
            SELECT category_id AS id, n FROM jsonb_to_recordset(changed) AS c(category_id integer, n integer)
            UNION ALL
            SELECT department_id, n FROM jsonb_to_recordset(changed) AS c(category_id integer, department_id integer, n integer) WHERE department_id <> category_id) both_levels
        GROUP BY id) c WHERE id = c.category AND c.n <> 0;
    UPDATE stores SET product_count = product_count + c.n FROM (
        SELECT store_id, sum(n)::integer AS n FROM jsonb_to_recordset(changed) AS c(store_id integer, n integer) GROUP BY store_id) c WHERE id = c.store_id AND c.n <> 0;
    UPDATE merchants SET product_count = product_count + c.n FROM (
        SELECT merchant_id, sum(n)::integer AS n FROM jsonb_to_recordset(changed) AS c(merchant_id integer, n integer) GROUP BY merchant_id) c WHERE id = c.merchant_id AND c.n <> 0;
    UPDATE catalogue SET product_count = product_count + c.n FROM (
        SELECT sum(n)::integer AS n FROM jsonb_to_recordset(changed) AS c(n integer)) c WHERE c.n <> 0;
    RETURN NULL;
END $$;
CREATE TRIGGER tally_added AFTER INSERT ON products REFERENCING NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION count_products();
CREATE TRIGGER tally_changed AFTER UPDATE ON products REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION count_products();
CREATE TRIGGER tally_deleted AFTER DELETE ON products REFERENCING OLD TABLE AS before_it FOR EACH STATEMENT EXECUTE FUNCTION count_products();

-- New words become known as they come; how common they are is then an estimate, which a load refreshes.
CREATE FUNCTION learn_words() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    texts text[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(concat_ws(' ', name, brand, description)) INTO texts FROM after_it;
    ELSE
        SELECT array_agg(concat_ws(' ', a.name, a.brand, a.description)) INTO texts FROM after_it a JOIN before_it b USING (id)
        WHERE (a.name, a.brand, a.description) IS DISTINCT FROM (b.name, b.brand, b.description);
    END IF;
    INSERT INTO search_words (word, lexeme, documents)
    SELECT DISTINCT ON (word) word, lexeme, documents
    FROM (SELECT word, count(*) AS documents -- each line has a word once; splitting by a regular expression takes ten times as long
          FROM unnest(texts) line, unnest(tsvector_to_array(to_tsvector('simple', line))) word
          WHERE length(word) BETWEEN 2 AND 40 AND word !~ '[^[:alnum:]]' GROUP BY word) found,
         unnest(to_tsvector('english', word)) lexeme
    WHERE NOT EXISTS (SELECT FROM search_words known WHERE known.word = found.word)
    ORDER BY word -- two who learn the same words wait for each other in one order
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER learn_added AFTER INSERT ON products REFERENCING NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION learn_words();
CREATE TRIGGER learn_changed AFTER UPDATE ON products REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it FOR EACH STATEMENT EXECUTE FUNCTION learn_words();

-- A statement that brings a row's rendering with it has made it in one go for all of its rows.
DROP TRIGGER render ON products;
CREATE TRIGGER render_added BEFORE INSERT ON products FOR EACH ROW WHEN (NEW.json IS NULL) EXECUTE FUNCTION render_product();
CREATE TRIGGER render_changed BEFORE UPDATE ON products FOR EACH ROW WHEN (NEW.json IS NOT DISTINCT FROM OLD.json) EXECUTE FUNCTION render_product();
