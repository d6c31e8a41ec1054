using Npgsql;
using Commons.Files;
using Rez.Products;
using Tenfold.Jobs;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Images;

/// <summary>Makes an image's sizes.</summary>
/// <param name="Image">Its id, which says in which bucket it is.</param>
[Job("images.resize", Queue = "images")]
internal sealed record ResizeImage(long Image);

/// <summary>
/// Makes the sizes of an image and then says so in one transaction: until that, nothing of them is served, and whoever does it again puts the
/// same files in their place. A broken image has failed for good; one that libvips is missing for is served as it is, and comes back by <see cref="TendImages"/>.
/// </summary>
internal sealed class ResizeImageHandler(ImageTable images, ImagePublisher publisher, IBlobStore files, Vips vips, ImageWorkshop workshop, ILogger<ResizeImageHandler> logger) : IJobHandler<ResizeImage>
{
    public async Task HandleAsync(ResizeImage job, JobContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(context);
        var id = new ShardId(job.Image);
        try
        {
            if (await images.FindNowAsync(id, cancel) is not { State: not "ready" } image)
            {
                return; // it was deleted, or is made already
            }

            await publisher.PublishAsync(await SettleAsync(image, context, cancel), cancel);
            if (await images.FindNowAsync(id, cancel) is null)
            {
                await files.DeleteAsync(ImageBlobs.Folder(id), cancel); // deleted while they were made
            }
        }
        catch (Exception away) when (ImageOutage.Is(away))
        {
            throw ImageOutage.Retry(away);
        }
    }

    private async Task<MerchantProduct?> SettleAsync(Image image, JobContext context, CancellationToken cancel)
    {
        if (vips.Find() is null)
        {
            if (workshop.ShouldComplain())
            {
                logger.LogWarning("Images are served as they were uploaded, since libvips is not installed: install {Package} (apt-get install {Package}); those that wait are resized then", Vips.Package, Vips.Package);
            }

            return await images.OriginalAsync(image, $"libvips is not installed on the worker ({Vips.Package})", cancel);
        }

        try
        {
            var (widths, width, height) = await MakeAsync(image, context, cancel);
            return await images.ReadyAsync(image, widths, width, height, cancel);
        }
        catch (ImageException broken)
        {
            logger.LogInformation("Image {Id} is not served: {Problem}", image.Id, broken.Message);
            return await images.FailAsync(image, broken.Message, cancel);
        }
        catch (IOException machine) when (machine is not BlobStoreException && context.IsLastAttempt)
        {
            await publisher.PublishAsync(await images.FailAsync(image, machine.Message, CancellationToken.None), CancellationToken.None);
            throw; // a dead letter, which may be redriven
        }
    }

    private async Task<(int[] Widths, int Width, int Height)> MakeAsync(Image image, JobContext context, CancellationToken cancel)
    {
        const string Original = "original";
        using var bench = await workshop.EnterAsync(cancel);
        await FetchAsync(image.Number, Path.Combine(bench.Folder, Original), cancel);
        var (decoded, width, height) = await vips.DecodeAsync(bench.Folder, Original, cancel);
        var widths = ImageSizes.Widths(width);
        var made = 0;
        foreach (var wide in widths)
        {
            foreach (var format in ImageFormat.All)
            {
                var name = await vips.MakeAsync(bench.Folder, decoded, wide, format, cancel);
                await using var draft = files.Draft();
                await draft.WriteAsync(Path.Combine(bench.Folder, name), cancel);
                await files.PutAsync(ImageBlobs.Made(image.Number, wide, format), draft, format.Type, cancel);
                context.Report(++made, widths.Length * ImageFormat.All.Count, name);
            }
        }

        return (widths, width, height);
    }

    private async Task FetchAsync(ShardId id, string to, CancellationToken cancel)
    {
        await using var original = await files.OpenAsync(ImageBlobs.Original(id), cancel) ?? throw new ImageException("its file is not in the store");
        await using var file = new FileStream(to, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0, FileOptions.Asynchronous);
        await original.Content.CopyToAsync(file, cancel);
    }
}

/// <summary>Failures that end by themselves: the job waits for it.</summary>
internal static class ImageOutage
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    public static bool Is(Exception e) => e is BlobStoreException or PostgresStoreException or ShardException { Failure: ShardFailure.Moved or ShardFailure.Map } or NpgsqlException { IsTransient: true };

    public static JobRetryException Retry(Exception e) => new(Pause, e is BlobStoreException ? e.Message : "a database is away: " + e.Message, e) { Counts = false };
}
