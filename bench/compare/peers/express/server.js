// rez's product list as its scaling guide would have it: Express 5, pg with a pool of 50, res.json, a cluster of two.
// Environment: PORT, PGHOST (folder of the socket), PGPORT, PGUSER, PGPASSWORD, PGDATABASE.
// COUNT=kept reads the kept total instead of counting: what such code becomes once someone has profiled it.
// REDIS=URL answers cache-aside by ioredis for an hour, as the scaling guide does: what is kept is parsed and sent by res.json.
'use strict';
const cluster = require('node:cluster');
const express = require('express');
const { Pool } = require('pg');

const processes = 2;

if (cluster.isPrimary) {
  for (let i = 0; i < processes; i++) cluster.fork();
  cluster.on('exit', () => process.exit(1)); // a comparison with half the peer is none
  process.on('SIGTERM', () => process.exit(0));
} else {
  serve();
}

function serve() {
  const pool = new Pool({ max: 50, min: 10, idleTimeoutMillis: 30000 });
  const redis = process.env.REDIS && new (require('ioredis'))(process.env.REDIS);
  const app = express();

  app.get('/health', (req, res) => res.json({ status: 'ok' }));
  app.get('/version', async (req, res) => res.type('text').send((await pool.query('SHOW server_version')).rows[0].server_version));

  app.get('/api/products', async (req, res) => {
    const page = Math.max(1, parseInt(req.query.page, 10) || 1);
    const limit = Math.min(100, Math.max(1, parseInt(req.query.limit, 10) || 20));
    const key = `products:${page}:${limit}`;
    const kept = redis && await redis.get(key);
    if (kept) return res.json(JSON.parse(kept));
    const [products, total] = await Promise.all([findProducts(pool, page, limit), countProducts(pool)]);
    const pages = Math.ceil(total / limit);
    const answer = {
      success: true,
      data: products,
      pagination: { page, limit, total, pages },
    };
    if (redis) await redis.setex(key, 3600, JSON.stringify(answer));
    res.json(answer);
  });

  app.use((err, req, res, next) => {
    console.error(err);
    res.status(500).json({ success: false, message: 'Internal server error' });
  });

  app.listen(process.env.PORT, '127.0.0.1');
}

async function findProducts(pool, page, limit) {
  const { rows } = await pool.query(
    `SELECT p.id, p.name, p.brand, p.description, p.price_cents, p.rating_tenths, p.review_count,
            p.category_id, c.slug AS category_slug, c.name AS category_name,
            p.store_id, s.name AS store_name, p.merchant_id,
            p.is_featured, p.is_active, p.created_at, p.updated_at, p.version
     FROM products p
     JOIN categories c ON c.id = p.category_id
     JOIN stores s ON s.id = p.store_id
     WHERE p.is_active
     ORDER BY p.created_at DESC, p.id DESC
     LIMIT $1 OFFSET $2`,
    [limit, (page - 1) * limit]);
  return rows.map(toProduct);
}

async function countProducts(pool) {
  const { rows } = process.env.COUNT === 'kept'
    ? await pool.query('SELECT product_count AS total FROM catalogue')
    : await pool.query('SELECT count(*) AS total FROM products WHERE is_active');
  return Number(rows[0].total);
}

function toProduct(row) {
  return {
    id: Number(row.id),
    name: row.name,
    brand: row.brand,
    description: row.description,
    price: row.price_cents / 100,
    currency: 'USD',
    rating: row.rating_tenths / 10,
    reviewCount: row.review_count,
    category: { id: row.category_id, slug: row.category_slug, name: row.category_name },
    store: { id: row.store_id, name: row.store_name },
    merchantId: row.merchant_id,
    isFeatured: row.is_featured,
    isActive: row.is_active,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    version: row.version,
  };
}
