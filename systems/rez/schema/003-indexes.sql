-- The guide's indexes, each one a total order (…, id) so that a keyset cursor neither skips nor repeats.
-- Only active products are listed, so only they are indexed.

CREATE INDEX products_newest              ON products (created_at DESC, id DESC) WHERE is_active;
CREATE INDEX products_price               ON products (price_cents, id) WHERE is_active;
CREATE INDEX products_rating              ON products (rating_tenths DESC, review_count DESC, id DESC) WHERE is_active;
CREATE INDEX products_popular             ON products (popularity DESC, id DESC) WHERE is_active;

CREATE INDEX products_department_newest   ON products (department_id, created_at DESC, id DESC) WHERE is_active;
CREATE INDEX products_department_price    ON products (department_id, price_cents, id) WHERE is_active;
CREATE INDEX products_department_rating   ON products (department_id, rating_tenths DESC, review_count DESC, id DESC) WHERE is_active;
CREATE INDEX products_department_popular  ON products (department_id, popularity DESC, id DESC) WHERE is_active;

-- A category holds some hundred products: two orders are indexed, the others sort what the index finds.
CREATE INDEX products_category_newest     ON products (category_id, created_at DESC, id DESC) WHERE is_active;
CREATE INDEX products_category_price      ON products (category_id, price_cents, id) WHERE is_active;

CREATE INDEX products_merchant            ON products (merchant_id, created_at DESC, id DESC) WHERE is_active;
CREATE INDEX products_store               ON products (store_id, created_at DESC, id DESC) WHERE is_active;
CREATE INDEX products_featured            ON products (popularity DESC, id DESC) WHERE is_active AND is_featured;
CREATE INDEX products_search              ON products USING gin (search) WHERE is_active;

CREATE INDEX categories_parent            ON categories (parent_id, id);
CREATE INDEX categories_search            ON categories USING gin (search);
CREATE INDEX stores_popular               ON stores (popularity DESC, id DESC) WHERE is_active;
CREATE INDEX stores_merchant              ON stores (merchant_id, popularity DESC, id DESC) WHERE is_active;
CREATE INDEX stores_search                ON stores USING gin (search) WHERE is_active;
CREATE INDEX search_words_lexeme          ON search_words (lexeme);
CREATE INDEX search_words_similar         ON search_words USING gin (word gin_trgm_ops);
