using System.Globalization;
using JobsDriver;

// add CONNECTION JOBS: makes the tables, enqueues so many jobs that do nothing; prints jobs, seconds, CPU microseconds
// drain CONNECTION WARM JOBS HOW: works them off in one process. Prints "started" after WARM jobs, and when JOBS more have ended, and their
//     ends are committed: jobs, seconds, CPU microseconds. HOW: batched (the worker completes), commit (each handler completes in a transaction of its own)
// steady CONNECTION WAITING WARM-SECONDS SECONDS [snapshot]: works while so many are kept waiting; snapshot: a transaction
//     that was begun before the first job is kept open. Prints jobs, seconds
// enqueue CONNECTION CLIENTS WARM-SECONDS ROUNDS SECONDS: transactions of one insert, of one insert and SELECT 1, of one insert and
//     EnqueueAsync, and of one insert with JobClient.Command in the same batch, in turns of a fifth of a second; prints each round the
//     mean time of each in microseconds
// latency CONNECTION JOBS: one job at a time to an idle worker in another process; prints milliseconds from the commit to the start of
//     the handler: median, p99, highest
// work-latency CONNECTION: the worker of the run above
return args switch
{
    ["add", var connection, var jobs] => await Adding.RunAsync(connection, Number(jobs)),
    ["drain", var connection, var warm, var jobs, var how] => await Draining.RunAsync(connection, Number(warm), Number(jobs), how == "commit"),
    ["steady", var connection, var waiting, var warm, var seconds, .. var more] => await Steady.RunAsync(connection, Number(waiting), Real(warm), Real(seconds), more is ["snapshot"]),
    ["enqueue", var connection, var clients, var warm, var rounds, var seconds] => await Enqueueing.RunAsync(connection, Number(clients), Real(warm), Number(rounds), Real(seconds)),
    ["latency", var connection, var jobs] => await Latency.RunAsync(connection, Number(jobs)),
    ["work-latency", var connection] => await Latency.WorkAsync(connection),
    _ => 2,
};

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
static double Real(string text) => double.Parse(text, CultureInfo.InvariantCulture);
