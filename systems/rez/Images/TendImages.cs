using System.Globalization;
using Commons.Files;
using Tenfold.Jobs;
using Tenfold.Postgres.Shards;

namespace Rez.Images;

/// <summary>Every five minutes, once in the whole system: what broke off is cleared away, and what libvips was missing for is done once it is there.</summary>
[Job("images.tend", Queue = "images")]
internal sealed record TendImages
{
    public const string Schedule = "*/5 * * * *";
}

internal sealed class TendImagesHandler(ImageTable images, ImageRemover remover, ShardedStore store, JobClient jobs, IBlobStore files, Vips vips, ImageWorkshop workshop, ILogger<TendImagesHandler> logger) : IJobHandler<TendImages>
{
    private const int AtOnce = 500;

    /// <summary>Longer than any upload or job.</summary>
    internal static readonly TimeSpan Age = TimeSpan.FromHours(1);

    public async Task HandleAsync(TendImages job, JobContext context, CancellationToken cancel)
    {
        try
        {
            await TendAsync(Age, cancel);
        }
        catch (Exception away) when (ImageOutage.Is(away))
        {
            throw ImageOutage.Retry(away);
        }
    }

    /// <param name="age">What broke off so long ago is cleared away.</param>
    /// <param name="cancel">Gives it up.</param>
    internal async Task TendAsync(TimeSpan age, CancellationToken cancel)
    {
        files.Sweep(age);
        workshop.Sweep(age);
        foreach (var state in (string[])["uploading", "deleted"])
        {
            foreach (var id in await images.InStateAsync(state, age, AtOnce, cancel))
            {
                await remover.RemoveAsync(id, cancel);
            }
        }

        if (vips.Find() is null || await images.InStateAsync("original", TimeSpan.Zero, AtOnce, cancel) is not { Count: > 0 } waiting)
        {
            return;
        }

        foreach (var id in waiting)
        {
            var options = new EnqueueOptions { Unique = new JobUnique(id.ToString()) };
            await store.WriteAsync(id, (write, token) => jobs.EnqueueAsync(write.Connection, new ResizeImage(id.Value), options, token), null, cancel);
        }

        logger.LogInformation("libvips is there: {Count} images that waited for it are resized", waiting.Count.ToString(CultureInfo.InvariantCulture));
    }
}
