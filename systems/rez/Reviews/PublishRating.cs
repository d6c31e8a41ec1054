using Tenfold.Jobs;

namespace Rez.Reviews;

/// <summary>Brings a product's figures into the catalogue. It reads the newest when it runs, so one that waits is enough.</summary>
[Job("reviews.publish", Queue = "reports")]
internal sealed record PublishRating(long Product);

/// <summary>Lists and searches show the ratings that were published.</summary>
[Job("reviews.refresh-lists", Queue = "reports")]
internal sealed record RefreshRatedLists;

internal sealed class PublishRatingHandler(RatingPublisher publisher) : IJobHandler<PublishRating>
{
    public Task HandleAsync(PublishRating job, JobContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(job);
        return publisher.PublishAsync(job.Product, cancel);
    }
}

internal sealed class RefreshRatedListsHandler(RatingPublisher publisher) : IJobHandler<RefreshRatedLists>
{
    public Task HandleAsync(RefreshRatedLists job, JobContext context, CancellationToken cancel) => publisher.RefreshListsAsync();
}
