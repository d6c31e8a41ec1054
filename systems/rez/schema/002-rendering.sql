-- Every served row carries its JSON and its search vector, made whenever it is written.

CREATE FUNCTION utc(moment timestamptz) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') $$;

CREATE FUNCTION render_category() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.search := to_tsvector('english', NEW.name);
    NEW.json := '{"id":' || NEW.id || ',"slug":' || to_json(NEW.slug) || ',"name":' || to_json(NEW.name)
        || ',"parentId":' || coalesce(NEW.parent_id::text, 'null') || ',"productCount":' || NEW.product_count || '}';
    RETURN NEW;
END $$;
CREATE TRIGGER render BEFORE INSERT OR UPDATE ON categories FOR EACH ROW EXECUTE FUNCTION render_category();

CREATE FUNCTION render_merchant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.json := '{"id":' || NEW.id || ',"name":' || to_json(NEW.name) || ',"country":' || to_json(NEW.country)
        || ',"productCount":' || NEW.product_count || ',"joinedAt":"' || utc(NEW.joined_at) || '"}';
    RETURN NEW;
END $$;
CREATE TRIGGER render BEFORE INSERT OR UPDATE ON merchants FOR EACH ROW EXECUTE FUNCTION render_merchant();

CREATE FUNCTION render_store() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.search := setweight(to_tsvector('english', NEW.name), 'A') || setweight(to_tsvector('english', NEW.city), 'B');
    NEW.json := '{"id":' || NEW.id || ',"slug":' || to_json(NEW.slug) || ',"name":' || to_json(NEW.name)
        || ',"merchantId":' || NEW.merchant_id || ',"city":' || to_json(NEW.city)
        || ',"rating":' || round(NEW.rating_tenths / 10.0, 1) || ',"productCount":' || NEW.product_count
        || ',"isActive":' || NEW.is_active || ',"createdAt":"' || utc(NEW.created_at) || '"}';
    RETURN NEW;
END $$;
CREATE TRIGGER render BEFORE INSERT OR UPDATE ON stores FOR EACH ROW EXECUTE FUNCTION render_store();

-- What a product's row carries, once for the trigger and once for a load of many rows at a time (inlined there, which is most of its speed).
CREATE FUNCTION product_search(p products, category categories, department categories) RETURNS tsvector LANGUAGE sql STABLE AS $$
    SELECT setweight(to_tsvector('english', p.name), 'A')
        || setweight(to_tsvector('english', p.brand), 'B') || setweight(category.search, 'B') || setweight(department.search, 'B')
        || setweight(to_tsvector('english', p.description), 'D')
$$;
CREATE FUNCTION product_json(p products, category categories, store stores) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT '{"id":' || p.id || ',"name":' || to_json(p.name) || ',"brand":' || to_json(p.brand)
        || ',"description":' || to_json(p.description) || ',"price":' || round(p.price_cents / 100.0, 2)
        || ',"currency":"USD","rating":' || round(p.rating_tenths / 10.0, 1) || ',"reviewCount":' || p.review_count
        || ',"category":{"id":' || category.id || ',"slug":' || to_json(category.slug) || ',"name":' || to_json(category.name)
        || '},"store":{"id":' || p.store_id || ',"name":' || to_json(store.name) || '},"merchantId":' || store.merchant_id
        || ',"isFeatured":' || p.is_featured || ',"isActive":' || p.is_active
        || ',"createdAt":"' || utc(p.created_at) || '","updatedAt":"' || utc(p.updated_at) || '","version":' || p.version || '}'
$$;

CREATE FUNCTION render_product() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    category   categories;
    department categories;
    store      stores;
BEGIN
    SELECT * INTO category FROM categories WHERE id = NEW.category_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no category %', NEW.category_id USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'products_category_id_fkey';
    END IF;
    SELECT * INTO department FROM categories WHERE id = coalesce(category.parent_id, category.id);
    SELECT * INTO store FROM stores WHERE id = NEW.store_id;
    NEW.department_id := department.id;
    NEW.merchant_id := store.merchant_id;
    NEW.search := product_search(NEW, category, department);
    NEW.json := product_json(NEW, category, store);
    RETURN NEW;
END $$;
CREATE TRIGGER render BEFORE INSERT OR UPDATE ON products FOR EACH ROW EXECUTE FUNCTION render_product();

-- A product shows its category's, department's and store's names: a new name is a new rendering.
CREATE FUNCTION rerender_products_of_category() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE products SET category_id = category_id WHERE category_id = NEW.id OR department_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER rerender AFTER UPDATE ON categories FOR EACH ROW
    WHEN (OLD.name IS DISTINCT FROM NEW.name OR OLD.slug IS DISTINCT FROM NEW.slug OR OLD.parent_id IS DISTINCT FROM NEW.parent_id)
    EXECUTE FUNCTION rerender_products_of_category();

CREATE FUNCTION rerender_products_of_store() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE products SET store_id = store_id WHERE store_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER rerender AFTER UPDATE ON stores FOR EACH ROW
    WHEN (OLD.name IS DISTINCT FROM NEW.name OR OLD.merchant_id IS DISTINCT FROM NEW.merchant_id)
    EXECUTE FUNCTION rerender_products_of_store();
