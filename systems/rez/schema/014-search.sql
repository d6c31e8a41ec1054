-- What is suggested while somebody types: names of categories and stores, brands, and words of products, by how often they are met.
-- Made anew by a job (docs/rez/search.md).
CREATE TABLE search_suggestions (
    kind          text        NOT NULL CHECK (kind IN ('category', 'brand', 'store', 'word')),
    key           text        NOT NULL,                          -- the text in lower case
    text          text        NOT NULL,
    documents     integer     NOT NULL,                          -- products
    PRIMARY KEY (kind, key)
);
-- One or two letters have thousands of continuations: the best of these are found without looking at the others.
CREATE INDEX search_suggestions_first   ON search_suggestions (left(key, 1), documents DESC, key, kind);
CREATE INDEX search_suggestions_second  ON search_suggestions (left(key, 2), documents DESC, key, kind);
CREATE INDEX search_suggestions_prefix  ON search_suggestions (key text_pattern_ops);
CREATE INDEX search_suggestions_similar ON search_suggestions USING gin (key gin_trgm_ops);

-- Rows that stay as they are are not written.
CREATE FUNCTION refresh_suggestions() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    changed integer;
BEGIN
    CREATE TEMPORARY TABLE suggested ON COMMIT DROP AS
    SELECT kind, key, min(text) AS text, max(documents)::integer AS documents FROM (
        SELECT 'category' AS kind, lower(name) AS key, name AS text, product_count::bigint AS documents FROM categories WHERE product_count > 0
        UNION ALL SELECT 'brand', lower(brand), brand, count(*) FROM products WHERE is_active GROUP BY brand
        UNION ALL SELECT 'store', lower(name), name, product_count FROM stores WHERE is_active AND product_count > 0
        UNION ALL SELECT 'word', word, word, documents FROM search_words WHERE length(word) >= 3 AND documents >= 3 AND word !~ '[0-9]') found
    GROUP BY kind, key;
    DELETE FROM search_suggestions s WHERE NOT EXISTS (SELECT FROM suggested n WHERE (n.kind, n.key) = (s.kind, s.key));
    INSERT INTO search_suggestions AS s (kind, key, text, documents) SELECT kind, key, text, documents FROM suggested
    ON CONFLICT (kind, key) DO UPDATE SET text = excluded.text, documents = excluded.documents WHERE (s.text, s.documents) IS DISTINCT FROM (excluded.text, excluded.documents);
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END $$;
