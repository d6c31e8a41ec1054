-- Orders as they are shown, to buyers and to administrators, and what a merchant sees of them.

CREATE FUNCTION order_lines_json(bucket integer, shown bigint, merchant integer) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(string_agg('{"productId":' || product_id || ',"merchantId":' || merchant_id || ',"name":' || to_json(name) || ',"quantity":' || quantity
        || ',"price":' || round(price_cents / 100.0, 2) || '}', ',' ORDER BY product_id), '')
    FROM order_lines WHERE bucket_id = bucket AND order_id = shown AND (merchant IS NULL OR merchant_id = merchant)
$$;

-- Without its parts, for lists.
CREATE FUNCTION order_summary_json(o orders) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT '"id":"' || o.id || '","userId":"' || o.user_id || '","status":"' || o.status || '","total":' || round(o.total_cents / 100.0, 2) || ',"currency":"USD","shipTo":' || to_json(o.ship_to)
        || ',"createdAt":"' || utc(o.created_at) || '","updatedAt":"' || utc(o.updated_at) || '","expiresAt":' || CASE WHEN o.status = 'pending' THEN '"' || utc(o.expires_at) || '"' ELSE 'null' END
        || ',"lines":[' || order_lines_json(o.bucket_id, o.id, NULL) || ']'
$$;

CREATE FUNCTION order_json(o orders) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT '{' || order_summary_json(o) || ',"merchantOrders":['
        || (SELECT string_agg('{"id":"' || id || '","merchantId":' || merchant_id || ',"status":"' || status || '","total":' || round(total_cents / 100.0, 2) || '}', ',' ORDER BY merchant_id)
            FROM merchant_orders WHERE bucket_id = o.bucket_id AND order_id = o.id)
        || '],"payment":' || coalesce((SELECT '{"id":"' || id || '","state":"' || state || '","amount":' || round(amount_cents / 100.0, 2) || '}'
            FROM payments WHERE bucket_id = o.bucket_id AND order_id = o.id ORDER BY id DESC LIMIT 1), 'null')
        || ',"history":[' || (SELECT string_agg('{"number":' || number || ',"event":"' || kind || '","by":"' || split_part(actor, ':', 1) || '","at":"' || utc(at) || '"}', ',' ORDER BY number)
            FROM order_events WHERE bucket_id = o.bucket_id AND order_id = o.id) || ']}'
$$;

CREATE FUNCTION merchant_order_json(m merchant_orders) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT '{"id":"' || m.id || '","orderId":"' || m.order_id || '","merchantId":' || m.merchant_id || ',"status":"' || m.status || '","total":' || round(m.total_cents / 100.0, 2) || ',"currency":"USD","shipTo":' || to_json(o.ship_to)
        || ',"createdAt":"' || utc(o.created_at) || '","updatedAt":"' || utc(m.updated_at) || '","lines":[' || order_lines_json(m.bucket_id, m.order_id, m.merchant_id) || ']}'
    FROM orders o WHERE o.bucket_id = m.bucket_id AND o.id = m.order_id
$$;
