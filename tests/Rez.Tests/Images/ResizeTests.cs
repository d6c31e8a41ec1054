using System.Net;
using System.Net.Http.Headers;
using Commons.Files;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Rez.Images;
using Tenfold.Jobs;
using Tenfold.Jobs.Administration;
using Tenfold.Postgres.Shards;

namespace Rez.Tests.Images;

/// <summary>The jobs of images, run here while the shop's own worker lets the queue rest.</summary>
public sealed class ResizeTests(Shop shop) : IAsyncLifetime
{
    private readonly JobAdmin _jobs = new([new AdminDatabase(0, token => new(shop.Database.OpenConnectionAsync(token).AsTask()))]);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await _jobs.PauseAsync("images", CancellationToken.None);

    public async ValueTask DisposeAsync() => await _jobs.ResumeAsync("images", CancellationToken.None);

    [Fact]
    public async Task Without_libvips_the_upload_itself_is_served_until_it_is_installed()
    {
        using var user = await ImageUser.OfAsync(shop, 900);
        var png = Samples.Png(64, 48);
        var uploaded = await user.UploadAsync(png);
        Assert.Equal("received", uploaded.State);
        Assert.Empty(await user.ShownAsync());

        var without = VipsIn("/nowhere");
        await Handler(without).HandleAsync(new ResizeImage(uploaded.Number.Value), new Run(), Cancel);
        var image = Assert.Single(await user.ListAsync());
        Assert.Equal(("original", 64, 48), (image.State, image.Width, image.Height));
        Assert.Contains("libvips-tools", image.Problem, StringComparison.Ordinal);
        Assert.Empty(Assert.Single(await user.ShownAsync()).Widths);
        using (var served = await user.GetAsync(image.Url, "image/webp"))
        {
            Assert.Equal((HttpStatusCode.OK, ImageHeader.Png, "no-cache"), (served.StatusCode, served.Content.Headers.ContentType!.ToString(), served.Headers.CacheControl!.ToString()));
            Assert.Equal(png, await served.Content.ReadAsByteArrayAsync(Cancel));
            using var again = await user.GetAsync(image.Url, headers: headers => headers.IfNoneMatch.Add(new EntityTagHeaderValue(served.Headers.ETag!.Tag)));
            Assert.Equal(HttpStatusCode.NotModified, again.StatusCode);
        }

        // Nothing happens as long as it is missing; then what waited is enqueued.
        await Tender(without).TendAsync(TendImagesHandler.Age, Cancel);
        Assert.Equal("original", Assert.Single(await user.ListAsync()).State);
        Assert.SkipUnless(Samples.HasVips, "libvips-tools is not installed");
        await Tender(VipsIn(null)).TendAsync(TendImagesHandler.Age, Cancel);
        await _jobs.ResumeAsync("images", Cancel);
        await user.ShownAsync(images => images is [{ Widths: [64] }]);
        Assert.Equal("ready", Assert.Single(await user.ListAsync()).State);
    }

    [Fact]
    public async Task A_job_that_ends_in_the_middle_shows_nothing_and_whoever_runs_it_again_or_twice_makes_it_whole()
    {
        Assert.SkipUnless(Samples.HasVips, "libvips-tools is not installed");
        using var user = await ImageUser.OfAsync(shop, 910);
        var uploaded = await user.UploadAsync(Samples.Png(150, 150));
        var version = (await shop.ProductAsync(user.Product)).Version;
        using (var killed = new CancellationTokenSource())
        {
            // After the first of its files is stored.
            var run = new Run { OnReport = killed.Cancel };
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Handler(VipsIn(null)).HandleAsync(new ResizeImage(uploaded.Number.Value), run, killed.Token));
            Assert.True(File.Exists(StoredAt(ImageBlobs.Made(uploaded.Number, 150, ImageFormat.Jpeg))));
        }

        Assert.Equal("received", Assert.Single(await user.ListAsync()).State);
        Assert.Empty(await user.ShownAsync());
        using (var served = await user.GetAsync(uploaded.Url))
        {
            Assert.Equal((ImageHeader.Png, "no-cache"), (served.Content.Headers.ContentType!.ToString(), served.Headers.CacheControl!.ToString()));
        }

        await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Handler(VipsIn(null)).HandleAsync(new ResizeImage(uploaded.Number.Value), new Run(), Cancel)));
        await Handler(VipsIn(null)).HandleAsync(new ResizeImage(uploaded.Number.Value), new Run(), Cancel);
        Assert.Equal([150], Assert.Single(await user.ShownAsync()).Widths);
        Assert.Equal(version + 1, (await shop.ProductAsync(user.Product)).Version);
        Assert.Empty(Directory.GetDirectories(Path.GetTempPath(), "rez-image-*"));
        Assert.Equal(3, Directory.GetFiles(Path.GetDirectoryName(StoredAt(ImageBlobs.Original(uploaded.Number)))!).Length);
    }

    [Fact]
    public async Task An_image_that_was_deleted_meanwhile_stays_deleted_with_its_files()
    {
        Assert.SkipUnless(Samples.HasVips, "libvips-tools is not installed");
        using var user = await ImageUser.OfAsync(shop, 920);
        var uploaded = await user.UploadAsync(Samples.Png(60, 50));
        var isDeleted = false;
        var run = new Run
        {
            OnReport = () =>
            {
                if (!isDeleted)
                {
                    isDeleted = true;
                    Assert.Equal(HttpStatusCode.NoContent, user.Http.Send(new HttpRequestMessage(HttpMethod.Delete, $"/api/images/{uploaded.Id}"), Cancel).StatusCode);
                }
            },
        };
        await Handler(VipsIn(null)).HandleAsync(new ResizeImage(uploaded.Number.Value), run, Cancel);
        Assert.True(isDeleted);
        Assert.Empty(await user.ListAsync());
        Assert.Empty(await user.ShownAsync());
        Assert.False(Directory.Exists(Path.GetDirectoryName(StoredAt(ImageBlobs.Original(uploaded.Number)))));
    }

    [Fact]
    public async Task An_upload_whose_instance_died_is_cleared_away()
    {
        using var user = await ImageUser.OfAsync(shop, 930);
        var merchant = await shop.ScalarAsync<int>($"SELECT merchant_id FROM products WHERE id = {user.Product}");
        var id = (await shop.Service<ImageUploads>().BeginAsync(merchant, user.Product, null, Cancel))!.Value;
        var files = shop.Service<IBlobStore>();
        await using (var draft = files.Draft())
        {
            await draft.WriteAsync(Samples.Png(2, 2).AsMemory(), Cancel);
            await files.PutAsync(ImageBlobs.Original(id), draft, ImageHeader.Png, Cancel);
        }

        await Tender(VipsIn("/nowhere")).TendAsync(TimeSpan.FromHours(1), Cancel); // it may still be under way
        Assert.True(File.Exists(StoredAt(ImageBlobs.Original(id))));
        await shop.ScalarAsync<long>($"UPDATE images SET touched_at = now() - interval '2 hours' WHERE id = {id} RETURNING id");
        await Tender(VipsIn("/nowhere")).TendAsync(TimeSpan.FromHours(1), Cancel);
        Assert.False(File.Exists(StoredAt(ImageBlobs.Original(id))));
        Assert.Equal(0L, await shop.ScalarAsync<long>($"SELECT count(*) FROM images WHERE id = {id}"));
    }

    private static Vips VipsIn(string? path) => new(
        new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create("PATH", path ?? Environment.GetEnvironmentVariable("PATH"))]).Build(), TimeProvider.System);

    private static string StoredAt(string key) => new FolderBlobStore(Shop.Files, TimeProvider.System).PathOf(key);

    private ResizeImageHandler Handler(Vips vips) => new(
        shop.Service<ImageTable>(), shop.Service<ImagePublisher>(), shop.Service<IBlobStore>(), vips, shop.Service<ImageWorkshop>(), NullLogger<ResizeImageHandler>.Instance);

    private TendImagesHandler Tender(Vips vips) => new(
        shop.Service<ImageTable>(), shop.Service<ImageRemover>(), shop.Service<ShardedStore>(), shop.Service<JobClient>(), shop.Service<IBlobStore>(), vips, shop.Service<ImageWorkshop>(), NullLogger<TendImagesHandler>.Instance);

    private sealed class Run : JobContext
    {
        public Action? OnReport { get; init; }

        public override long Id => 1;

        public override string Queue => "images";

        public override string Kind => "images.resize";

        public override int Attempt => 1;

        public override bool IsLastAttempt => false;

        public override DateTimeOffset EnqueuedAt => default;

        public override void Report(long done, long total = 0, string? note = null) => OnReport?.Invoke();

        public override Task CompleteAsync(NpgsqlTransaction transaction, CancellationToken cancel) => throw new NotSupportedException();

        public override Task<bool> OnceAsync(NpgsqlConnection connection, string step = "", CancellationToken cancel = default) => throw new NotSupportedException();
    }
}
