// Usage: driver.js add PORT JOBS                     enqueues them by addBulk, in batches of 1,000
//        driver.js drain PORT WARM JOBS CONCURRENCY  runs them. Prints "started" after WARM jobs, and when JOBS more have completed: ended, jobs,
//                                                    seconds, CPU microseconds of this process
const { Queue, Worker } = require("bullmq");

const [, , what, port] = process.argv;
const [warm, jobs] = what === "add" ? [0, Number(process.argv[4])] : [Number(process.argv[4]), Number(process.argv[5])];
const concurrency = Number(process.argv[6]);
const connection = { host: "127.0.0.1", port: Number(port), maxRetriesPerRequest: null };

async function add() {
  const queue = new Queue("noop", { connection });
  for (let left = jobs; left > 0; left -= 1000) {
    await queue.addBulk(Array.from({ length: Math.min(left, 1000) }, (_, n) => ({ name: "noop", data: { number: n } })));
  }
  await queue.close();
}

async function drain() {
  let done = 0, started, cpu, finish;
  const finished = new Promise((resolve) => (finish = resolve));
  const worker = new Worker("noop", async () => {}, { connection, concurrency, removeOnComplete: { count: 0 }, removeOnFail: { count: 0 } });
  worker.on("completed", () => {
    if (++done === warm) {
      console.log("started");
      started = process.hrtime.bigint();
      cpu = process.cpuUsage();
    }
    if (done === warm + jobs) finish();
  });
  worker.on("error", (error) => { console.error(error); process.exit(1); });
  await finished;
  const seconds = Number(process.hrtime.bigint() - started) / 1e9, used = process.cpuUsage(cpu);
  console.log(`ended ${jobs} ${seconds} ${used.user + used.system}`);
  await worker.close();
  const queue = new Queue("noop", { connection });
  const left = await queue.getJobCounts();
  await queue.close();
  if (Object.values(left).some((n) => n > 0)) throw new Error(`jobs are left: ${JSON.stringify(left)}`);
}

(what === "add" ? add() : drain()).then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
