using Microsoft.Extensions.DependencyInjection;
using Tenfold.Redis;

namespace Tenfold.Jobs.Outbox;

/// <summary>Adds a <see cref="RedisStreamEntry"/> to its stream. It may be added twice, when an answer is lost: readers go by the job's number.</summary>
internal sealed class RedisStreamHandler(IServiceProvider services) : IJobHandler<RedisStreamEntry>
{
    public async Task HandleAsync(RedisStreamEntry job, JobContext context, CancellationToken cancel)
    {
        if (job.Fields.ContainsKey(RedisStreamEntry.JobField) || job.MostEntries < 1)
        {
            throw new JobFailedException(job.MostEntries < 1 ? $"a stream keeps at least one entry, and {job.MostEntries} is less" : $"the field '{RedisStreamEntry.JobField}' is the job's number; take another name");
        }

        var redis = (job.Store is null ? services.GetService<RedisClient>() : services.GetKeyedService<RedisClient>(job.Store))
            ?? throw new InvalidOperationException(job.Store is null ? "this app has no Redis, or several: name the store in RedisStreamEntry.Store" : $"this app has no Redis '{job.Store}'");
        RedisArgument[] command =
        [
            "XADD", new RedisKey(job.Stream), "MAXLEN", "~", job.MostEntries, "*", RedisStreamEntry.JobField, context.Id,
            .. job.Fields.SelectMany(field => new RedisArgument[] { field.Key, field.Value }),
        ];
        await redis.ExecuteAsync(command, cancel);
    }
}
