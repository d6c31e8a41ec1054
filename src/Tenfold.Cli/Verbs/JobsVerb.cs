using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Tenfold.Cli.Edge;
using Tenfold.Cli.Jobs;
using Tenfold.Cli.Output;
using Tenfold.Guide.Validation;
using Tenfold.Jobs.Administration;

namespace Tenfold.Cli.Verbs;

/// <summary><c>tenfold jobs SYSTEM [list | show ID | retry ID | cancel ID | redrive QUEUE | pause QUEUE | resume QUEUE | workers]</c>.</summary>
internal static class JobsVerb
{
    public static Command Create(Shell shell)
    {
        var system = Systems.Argument();
        var store = new Option<string?>("--store") { Description = "The store, when the jobs are not in that of the guide's queues", Recursive = true };
        var json = new Option<bool>("--json") { Description = "Print JSON", Recursive = true };
        var command = new Command("jobs", "Show the queues of background jobs; list, show, retry, cancel and redrive jobs; pause queues") { system, store, json };
        On(command, async (parsed, jobs, cancel) => Print(parsed, await jobs.Admin.QueuesAsync(cancel), CliJson.Default.IReadOnlyListQueueOverview, JobTables.Queues));
        command.Add(List());

        var id = new Argument<long>("ID") { Description = "The job's number" };
        command.Add(On(new Command("show", "Show all that is known of a job") { id }, (parsed, jobs, cancel) => ShowAsync(parsed, jobs, parsed.GetValue(id), cancel)));
        command.Add(On(new Command("retry", "Make a dead letter, a cancelled or a scheduled job ready now, with all its attempts") { id }, async (parsed, jobs, cancel) =>
        {
            await jobs.Admin.RetryAsync(parsed.GetValue(id), cancel);
            await ShowAsync(parsed, jobs, parsed.GetValue(id), cancel);
        }));
        command.Add(On(new Command("cancel", "End a waiting job now, or ask a running one to end; what waits for it fails") { id }, async (parsed, jobs, cancel) =>
        {
            await jobs.Admin.CancelAsync(parsed.GetValue(id), cancel);
            await ShowAsync(parsed, jobs, parsed.GetValue(id), cancel);
        }));

        var queue = new Argument<string>("QUEUE") { Description = "The queue" };
        var kind = new Option<string?>("--kind") { Description = "Only jobs of this kind" };
        command.Add(On(new Command("redrive", "Make all dead letters of a queue ready, in the order in which they failed") { queue, kind }, async (parsed, jobs, cancel) => Print(
            parsed, await jobs.Admin.RedriveAsync(await jobs.QueueAsync(parsed.GetRequiredValue(queue), cancel), parsed.GetValue(kind), cancel), CliJson.Default.RedriveReport, Write)));
        command.Add(On(new Command("pause", "Start no more jobs of a queue; what runs goes on") { queue }, (parsed, jobs, cancel) => PauseAsync(parsed, jobs, jobs.Admin.PauseAsync, cancel)));
        command.Add(On(new Command("resume", "Start jobs of a queue again") { queue }, (parsed, jobs, cancel) => PauseAsync(parsed, jobs, jobs.Admin.ResumeAsync, cancel)));
        command.Add(On(new Command("workers", "Show the workers"), async (parsed, jobs, cancel) => Print(parsed, await jobs.Admin.WorkersAsync(cancel), CliJson.Default.IReadOnlyListWorkerState, JobTables.Workers)));
        return command;

        Command List()
        {
            var queueOption = new Option<string?>("--queue") { Description = "Only of this queue" };
            var kindOption = new Option<string?>("--kind") { Description = "Only of this kind" };
            var state = new Option<string?>("--state") { Description = "Only in this state: ready, scheduled, blocked, parked, running, completed, failed or cancelled" };
            var limit = new Option<int>("--limit") { Description = "How many, 1 to 1000", DefaultValueFactory = _ => 20 };
            var oldest = new Option<bool>("--oldest") { Description = "Those that were enqueued first" };
            return Reading(new Command("list", "List jobs, those that were enqueued last first") { queueOption, kindOption, state, limit, oldest }, parsed => Filter(
                parsed.GetValue(queueOption), parsed.GetValue(kindOption), parsed.GetValue(state), parsed.GetValue(limit), parsed.GetValue(oldest)), async (parsed, jobs, filter, cancel) => Print(
                parsed, await jobs.Admin.ListAsync(filter, cancel), CliJson.Default.IReadOnlyListJobSummary, JobTables.Jobs));
        }

        async Task ShowAsync(ParseResult parsed, RunningJobs jobs, long job, CancellationToken cancel) =>
            Print(parsed, await jobs.Admin.FindAsync(job, cancel) ?? throw JobAdmin.Missing(job), CliJson.Default.JobDetails, JobText.Write);

        async Task PauseAsync(ParseResult parsed, RunningJobs jobs, Func<string, CancellationToken, Task> change, CancellationToken cancel)
        {
            await change(await jobs.QueueAsync(parsed.GetRequiredValue(queue), cancel), cancel);
            Print(parsed, await jobs.Admin.QueuesAsync(cancel), CliJson.Default.IReadOnlyListQueueOverview, JobTables.Queues);
        }

        void Print<T>(ParseResult parsed, T found, JsonTypeInfo<T> type, Action<TextWriter, T> write)
        {
            if (parsed.GetValue(json))
            {
                shell.Out.WriteLine(JsonSerializer.Serialize(found, type));
            }
            else
            {
                write(shell.Out, found);
            }
        }

        Command On(Command verb, Func<ParseResult, RunningJobs, CancellationToken, Task> work) => Reading(verb, static _ => true, (parsed, jobs, _, cancel) => work(parsed, jobs, cancel));

        Command Reading<T>(Command verb, Func<ParseResult, T> read, Func<ParseResult, RunningJobs, T, CancellationToken, Task> work)
        {
            verb.SetAction(async (parsed, cancel) =>
            {
                var wanted = read(parsed); // wrong usage is told before anything is asked
                await using var jobs = await RunningJobs.OpenAsync(shell, parsed.GetRequiredValue(system), parsed.GetValue(store), cancel);
                await work(parsed, jobs, wanted, cancel);
                return ExitCode.Fine;
            });
            return verb;
        }
    }

    private static JobFilter Filter(string? queue, string? kind, string? state, int limit, bool oldest)
    {
        JobState? wanted = null;
        if (state is not null)
        {
            string[] states = [.. Enum.GetValues<JobState>().Select(JobText.State)];
            wanted = Array.IndexOf(states, state) is >= 0 and var found ? (JobState)found : throw new UsageException($"--state {state}: there is no such state{Suggestion.Among(state, states)}");
        }

        return limit is >= 1 and <= JobFilter.Most
            ? new JobFilter { Queue = queue, Kind = kind, State = wanted, Limit = limit, OldestFirst = oldest }
            : throw new UsageException($"--limit {limit}: allowed are 1 to {JobFilter.Most}");
    }

    private static void Write(TextWriter to, RedriveReport report)
    {
        to.WriteLine($"{JobTables.Count(report.Redriven)} dead {(report.Redriven == 1 ? "letter" : "letters")} of {report.Queue} {(report.Redriven == 1 ? "waits" : "wait")} again{(report.Left > 0 ? $", {JobTables.Count(report.Left)} left" : "")}");
        foreach (var left in report.Reasons)
        {
            to.WriteLine($"  {left.Id} {left.Reason}");
        }
    }
}
