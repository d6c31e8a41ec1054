using Tenfold.Jobs;
using Tenfold.Postgres.Shards;

namespace Rez.Images;

/// <summary>Deletes the files of an image that is no more, and then its row.</summary>
/// <param name="Image">Its id, which says in which bucket it is.</param>
[Job("images.delete", Queue = "images")]
internal sealed record DeleteImage(long Image);

internal sealed class DeleteImageHandler(ImageRemover remover) : IJobHandler<DeleteImage>
{
    public async Task HandleAsync(DeleteImage job, JobContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(job);
        try
        {
            await remover.RemoveAsync(new ShardId(job.Image), cancel);
        }
        catch (Exception away) when (ImageOutage.Is(away))
        {
            throw ImageOutage.Retry(away);
        }
    }
}
