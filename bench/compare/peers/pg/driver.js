// The same reads as postgres/driver with pg: concurrent callers over a pool, prepared by name.
// Usage: node driver.js HOST PORT point|list CALLERS WARM-SECONDS SECONDS; prints: operations, CPU microseconds
const { Pool } = require("pg");
const [host, port, kind, callers, warm, seconds] = process.argv.slice(2).map((word, i) => (i === 0 || i === 2 ? word : Number(word)));
const pool = new Pool({ host, port, user: "postgres", database: "postgres", max: callers });
const query = kind === "point"
  ? { name: "point", text: "SELECT name FROM items WHERE id = $1" }
  : { name: "list", text: "SELECT id, name, price FROM items WHERE id > $1 ORDER BY id LIMIT 20" };
let count = 0, stopped = false;

async function run(caller) {
  for (let i = caller * 7919; !stopped; i++) {
    const { rows } = await pool.query({ ...query, values: [i % 9900] });
    if (rows.length === 0 && i % 9900 !== 0) throw new Error(`nothing came back for ${i % 9900}`);
    count++;
  }
}

const wait = (s) => new Promise((done) => setTimeout(done, s * 1000));
(async () => {
  const loops = Array.from({ length: callers }, (_, i) => run(i));
  await wait(warm);
  const [operations, cpu] = [count, process.cpuUsage()];
  await wait(seconds);
  const used = process.cpuUsage(cpu);
  console.log(`${count - operations} ${used.user + used.system}`);
  stopped = true;
  await Promise.all(loops);
  await pool.end();
})().catch((error) => { console.error(error); process.exit(1); });
