// The same as redis/driver with ioredis: concurrent callers, each getting one key after the other.
// Usage: node driver.js PORT CALLERS WARM-SECONDS SECONDS [autopipelining]; prints: commands, seconds, CPU microseconds
const Redis = require("ioredis");
const [port, callers, warm, seconds] = process.argv.slice(2, 6).map(Number);
const client = new Redis({ host: "127.0.0.1", port, enableAutoPipelining: process.argv[6] === "autopipelining" });
const keys = Array.from({ length: 1000 }, (_, i) => `key:${String(i).padStart(12, "0")}`);
let count = 0, stopped = false;

async function run(caller) {
  for (let i = caller * 7919; !stopped; i++) {
    const value = await client.getBuffer(keys[i % keys.length]);
    if (value === null || value.length !== 100) throw new Error(`a value of ${value && value.length} bytes came back`);
    count++;
  }
}

const wait = (s) => new Promise((done) => setTimeout(done, s * 1000));
(async () => {
  await client.ping();
  const loops = Array.from({ length: callers }, (_, i) => run(i));
  await wait(warm);
  const [commands, cpu, since] = [count, process.cpuUsage(), process.hrtime.bigint()];
  await wait(seconds);
  const elapsed = Number(process.hrtime.bigint() - since) / 1e9;
  const used = process.cpuUsage(cpu);
  console.log(`${count - commands} ${elapsed.toFixed(3)} ${used.user + used.system}`);
  stopped = true;
  await Promise.all(loops);
  await client.quit();
})().catch((error) => { console.error(error); process.exit(1); });
