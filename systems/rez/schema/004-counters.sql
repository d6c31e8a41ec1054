-- Totals are kept, not counted. Whoever changes them locks the catalogue's row first, so that two of them cannot wait for each other.

CREATE FUNCTION count_product(category integer, department integer, store integer, merchant integer, change integer)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE categories SET product_count = product_count + change WHERE id IN (category, department);
    UPDATE stores SET product_count = product_count + change WHERE id = store;
    UPDATE merchants SET product_count = product_count + change WHERE id = merchant;
    UPDATE catalogue SET product_count = product_count + change;
END $$;

CREATE FUNCTION count_products() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM catalogue FOR UPDATE;
    IF TG_OP <> 'INSERT' AND OLD.is_active THEN
        PERFORM count_product(OLD.category_id, OLD.department_id, OLD.store_id, OLD.merchant_id, -1);
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.is_active THEN
        PERFORM count_product(NEW.category_id, NEW.department_id, NEW.store_id, NEW.merchant_id, 1);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER count_changed AFTER UPDATE ON products FOR EACH ROW
    WHEN ((OLD.is_active, OLD.category_id, OLD.department_id, OLD.store_id, OLD.merchant_id)
        IS DISTINCT FROM (NEW.is_active, NEW.category_id, NEW.department_id, NEW.store_id, NEW.merchant_id))
    EXECUTE FUNCTION count_products();
CREATE TRIGGER count_added AFTER INSERT OR DELETE ON products FOR EACH ROW EXECUTE FUNCTION count_products();

-- These tables are small and change rarely.
CREATE FUNCTION count_others() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE catalogue SET
        store_count = (SELECT count(*) FROM stores WHERE is_active),
        merchant_count = (SELECT count(*) FROM merchants),
        category_count = (SELECT count(*) FROM categories);
    RETURN NULL;
END $$;
CREATE TRIGGER count_all AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF is_active ON stores FOR EACH STATEMENT EXECUTE FUNCTION count_others();
CREATE TRIGGER count_all AFTER INSERT OR DELETE OR TRUNCATE ON merchants FOR EACH STATEMENT EXECUTE FUNCTION count_others();
CREATE TRIGGER count_all AFTER INSERT OR DELETE OR TRUNCATE ON categories FOR EACH STATEMENT EXECUTE FUNCTION count_others();

-- For a load with the triggers off.
CREATE FUNCTION recount_products() RETURNS void LANGUAGE sql AS $$
    UPDATE categories SET product_count = n FROM (
        SELECT id AS category, count(*) AS n FROM (
            SELECT category_id AS id FROM products WHERE is_active
            UNION ALL
            SELECT department_id FROM products WHERE is_active AND department_id <> category_id) both_levels
        GROUP BY id) counted WHERE id = category;
    UPDATE stores SET product_count = n FROM (SELECT store_id, count(*) AS n FROM products WHERE is_active GROUP BY store_id) counted WHERE id = store_id;
    UPDATE merchants SET product_count = n FROM (SELECT merchant_id, count(*) AS n FROM products WHERE is_active GROUP BY merchant_id) counted WHERE id = merchant_id;
    UPDATE catalogue SET product_count = (SELECT count(*) FROM products WHERE is_active);
$$;

-- New words become known as they come; how common they are is refreshed by a load.
CREATE FUNCTION learn_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO search_words (word, lexeme, documents)
    SELECT DISTINCT ON (word) word, lexeme, 1
    FROM regexp_split_to_table(lower(concat_ws(' ', NEW.name, NEW.brand, NEW.description)), '[^[:alnum:]]+') word,
         unnest(to_tsvector('english', word)) lexeme
    WHERE length(word) BETWEEN 2 AND 40 ORDER BY word
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER learn_added AFTER INSERT ON products FOR EACH ROW EXECUTE FUNCTION learn_words();
CREATE TRIGGER learn_changed AFTER UPDATE OF name, brand, description ON products FOR EACH ROW
    WHEN ((OLD.name, OLD.brand, OLD.description) IS DISTINCT FROM (NEW.name, NEW.brand, NEW.description))
    EXECUTE FUNCTION learn_words();
