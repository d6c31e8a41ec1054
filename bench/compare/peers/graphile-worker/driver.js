// Usage: driver.js add CONNECTION JOBS            enqueues them by add_jobs, in batches of 10,000, and makes the tables first
//        driver.js drain CONNECTION WARM JOBS SETTINGS  runs them. Prints "started" after WARM jobs, and when JOBS more have been run and
//                                                 their ends are in the database: ended, jobs, seconds, CPU microseconds of this process
// SETTINGS: batched    as the quick stats of its performance page: a local queue of 500, completion in batches, 24 at once, 25 connections
//           unbatched  the same numbers, its defaults for the rest: a claim and a completion for each job
const { run, makeWorkerUtils, Logger } = require("graphile-worker");
const { Pool } = require("pg");

const [, , what, connectionString] = process.argv;
const [warm, jobs] = what === "add" ? [0, Number(process.argv[4])] : [Number(process.argv[4]), Number(process.argv[5])];
const settings = process.argv[6];
const logger = new Logger(() => (level, message) => { if (level === "error") console.error(message); });

async function add() {
  const utils = await makeWorkerUtils({ connectionString, logger });
  await utils.migrate();
  for (let left = jobs; left > 0; left -= 10000) {
    await utils.addJobs(Array.from({ length: Math.min(left, 10000) }, (_, n) => ({ identifier: "noop", payload: { number: n } })));
  }
  await utils.release();
}

async function drain() {
  const pool = new Pool({ connectionString, max: 1 });
  let done = 0, started, cpu, finish;
  const finished = new Promise((resolve) => (finish = resolve));
  const runner = await run({
    preset: {
      worker: {
        connectionString,
        concurrentJobs: 24,
        maxPoolSize: 25,
        logger,
        ...(settings === "batched" ? { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } : {}),
      },
    },
    noHandleSignals: true,
    taskList: {
      noop: () => {
        if (++done === warm) {
          console.log("started");
          started = process.hrtime.bigint();
          cpu = process.cpuUsage();
        }
        if (done === warm + jobs) finish();
      },
    },
  });
  await finished;
  await runner.stop(); // returns when what is left of a batch has been written
  const seconds = Number(process.hrtime.bigint() - started) / 1e9, used = process.cpuUsage(cpu);
  console.log(`ended ${jobs} ${seconds} ${used.user + used.system}`);
  const { rows } = await pool.query("SELECT count(*)::int AS n FROM graphile_worker._private_jobs");
  await pool.end();
  if (rows[0].n !== 0) throw new Error(`${rows[0].n} jobs are left`);
}

(what === "add" ? add() : drain()).then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
