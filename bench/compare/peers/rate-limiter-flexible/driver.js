// Decides on requests of 1,000 callers, so many at a time, or lets one caller try a number of times.
//   node driver.js rate PORT CALLERS WARM-SECONDS SECONDS   prints: decisions, seconds, CPU microseconds
//   node driver.js hammer PORT KEY LIMIT TRIES CALLERS      prints: passed
'use strict';
const Redis = require('ioredis');
const { RateLimiterRedis } = require('rate-limiter-flexible');

const [mode, port, ...rest] = process.argv.slice(2);
const client = new Redis({ port: Number(port), host: '127.0.0.1', enableOfflineQueue: true });

async function rate(callers, warm, seconds) {
  const limiter = new RateLimiterRedis({ storeClient: client, keyPrefix: 'flex', points: 100000, duration: 900 });
  let decisions = 0;
  let stop = false;
  const loops = Array.from({ length: callers }, async (_, caller) => {
    for (let i = caller * 7919; !stop; i++) {
      await limiter.consume(`caller-${i % 1000}`);
      decisions++;
    }
  });
  await new Promise(done => setTimeout(done, warm * 1000));
  const [before, cpu, since] = [decisions, process.cpuUsage(), process.hrtime.bigint()];
  await new Promise(done => setTimeout(done, seconds * 1000));
  const used = process.cpuUsage(cpu);
  const elapsed = Number(process.hrtime.bigint() - since) / 1e9;
  console.log(decisions - before, elapsed.toFixed(3), used.user + used.system);
  stop = true;
  await Promise.all(loops);
}

async function hammer(key, limit, tries, callers) {
  const limiter = new RateLimiterRedis({ storeClient: client, keyPrefix: 'flex', points: limit, duration: 86400 });
  let passed = 0;
  await Promise.all(Array.from({ length: callers }, async () => {
    for (let i = 0; i < tries / callers; i++) {
      await limiter.consume(key).then(() => passed++, refusal => { if (refusal instanceof Error) throw refusal; });
    }
  }));
  console.log(passed);
}

(mode === 'rate' ? rate(...rest.map(Number)) : hammer(rest[0], ...rest.slice(1).map(Number))).finally(() => client.disconnect());
