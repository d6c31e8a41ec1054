using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using Rez.Images;

namespace Rez.Tests.Images;

/// <summary>Images that are resized, shown, served, moved and deleted.</summary>
public sealed class ServeTests(Shop shop)
{
    private const string Chrome = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_image_is_made_in_five_widths_and_two_formats_and_shown_with_its_product()
    {
        Assert.SkipUnless(Samples.HasVips, "libvips-tools is not installed");
        using var user = await ImageUser.OfAsync(shop, 800);
        var version = (await shop.ProductAsync(user.Product)).Version;
        var uploaded = await user.UploadAsync(Samples.Png(1500, 1000));
        var image = await user.SettledAsync(uploaded);
        Assert.Equal(("ready", 1200, 800, $"/images/{image.Id}/1200", (string?)null), (image.State, image.Width, image.Height, image.Url, image.Problem));
        Assert.Equal([200, 400, 600, 900, 1200], image.Widths);
        var shown = Assert.Single(await user.ShownAsync(images => images.Count == 1));
        Assert.Equal((image.Id, image.Url, 1200, 800), (shown.Id, shown.Url, shown.Width, shown.Height));
        Assert.Equal(image.Widths, shown.Widths);
        Assert.Equal(version + 1, (await shop.ProductAsync(user.Product)).Version);
        Assert.Contains((await shop.ProductsAsync($"?merchant={(await shop.ProductAsync(user.Product)).MerchantId}&limit=100")).Data, product => product.Images.Contains(shown));

        foreach (var width in image.Widths)
        {
            foreach (var (accept, type) in ((string?, string)[])[(null, ImageHeader.Jpeg), (Chrome, ImageHeader.WebP)])
            {
                using var response = await user.GetAsync($"/images/{image.Id}/{width}", accept);
                Assert.Equal((HttpStatusCode.OK, type), (response.StatusCode, response.Content.Headers.ContentType!.ToString()));
                Assert.Equal("public, max-age=31536000, immutable", string.Join(", ", response.Headers.GetValues("Cache-Control")));
                Assert.Equal(["Accept"], response.Headers.Vary);
                Assert.Equal(["nosniff"], response.Headers.GetValues("X-Content-Type-Options"));
                var header = await ImageHeader.ReadAsync(await response.Content.ReadAsStreamAsync(Cancel), Cancel);
                Assert.Equal((type, width), (header!.Type, header.Width));
                Assert.InRange(header.Height, (width * 2 / 3) - 1, (width * 2 / 3) + 1);
            }
        }
    }

    [Fact]
    public async Task A_photograph_is_turned_upright_and_says_nothing_of_where_it_was_taken()
    {
        Assert.SkipUnless(Samples.HasVips, "libvips-tools is not installed");
        using var user = await ImageUser.OfAsync(shop, 810);
        var image = await user.SettledAsync(await user.UploadAsync(Samples.TurnedJpeg(1600, 400)));
        Assert.Equal((300, 1200), (image.Width, image.Height)); // within 1200 × 1200, upright
        Assert.Equal([200, 300], image.Widths);
        foreach (var accept in (string[])["image/jpeg", "image/webp"])
        {
            using var response = await user.GetAsync(image.Url, accept);
            var bytes = await response.Content.ReadAsByteArrayAsync(Cancel);
            Assert.Equal((300, 1200), ((await ImageHeader.ReadAsync(new MemoryStream(bytes), Cancel))! is var header ? (header.Width, header.Height) : default));
            Assert.Equal(-1, bytes.AsSpan().IndexOf("SecretPlace"u8));
        }
    }

    [Fact]
    public async Task Conditional_and_range_requests_are_those_of_HTTP()
    {
        Assert.SkipUnless(Samples.HasVips, "libvips-tools is not installed");
        using var user = await ImageUser.OfAsync(shop, 820);
        var image = await user.SettledAsync(await user.UploadAsync(Samples.Png(300, 200)));
        using var whole = await user.GetAsync(image.Url);
        var bytes = await whole.Content.ReadAsByteArrayAsync(Cancel);
        var tag = whole.Headers.ETag!;
        Assert.False(tag.IsWeak);
        using (var webP = await user.GetAsync(image.Url, "image/webp"))
        {
            Assert.NotEqual(tag, webP.Headers.ETag);
        }

        (Action<HttpRequestHeaders> Ask, HttpStatusCode Status, Range Bytes)[] table =
        [
            (headers => headers.IfNoneMatch.Add(tag), HttpStatusCode.NotModified, 0..0),
            (headers => headers.IfNoneMatch.Add(new EntityTagHeaderValue("\"other\"")), HttpStatusCode.OK, ..),
            (headers => headers.TryAddWithoutValidation("If-None-Match", "*"), HttpStatusCode.NotModified, 0..0),
            (headers => headers.IfMatch.Add(new EntityTagHeaderValue("\"other\"")), HttpStatusCode.PreconditionFailed, 0..0),
            (headers => headers.Range = new RangeHeaderValue(0, 9), HttpStatusCode.PartialContent, 0..10),
            (headers => headers.Range = new RangeHeaderValue(10, null), HttpStatusCode.PartialContent, 10..),
            (headers => headers.Range = new RangeHeaderValue(null, 5), HttpStatusCode.PartialContent, ^5..),
            (headers => headers.Range = new RangeHeaderValue(0, 1 << 30), HttpStatusCode.PartialContent, ..),
            (headers => headers.Range = new RangeHeaderValue(1 << 30, null), HttpStatusCode.RequestedRangeNotSatisfiable, 0..0),
            (headers => headers.TryAddWithoutValidation("Range", "bytes=5-1"), HttpStatusCode.OK, ..),
            (headers => (headers.Range, headers.IfRange) = (new RangeHeaderValue(0, 9), new RangeConditionHeaderValue(tag)), HttpStatusCode.PartialContent, 0..10),
            (headers => (headers.Range, headers.IfRange) = (new RangeHeaderValue(0, 9), new RangeConditionHeaderValue(new EntityTagHeaderValue("\"other\""))), HttpStatusCode.OK, ..),
        ];
        foreach (var (ask, status, range) in table)
        {
            using var response = await user.GetAsync(image.Url, headers: ask);
            Assert.Equal(status, response.StatusCode);
            if (status < HttpStatusCode.BadRequest)
            {
                Assert.Equal(status == HttpStatusCode.NotModified ? [] : bytes[range], await response.Content.ReadAsByteArrayAsync(Cancel));
            }

            if (status == HttpStatusCode.PartialContent)
            {
                Assert.Equal((bytes.Length, range.GetOffsetAndLength(bytes.Length).Offset), ((int)response.Content.Headers.ContentRange!.Length!, (int)response.Content.Headers.ContentRange.From!));
            }
        }

        using var head = await user.GetAsync(image.Url, method: HttpMethod.Head);
        Assert.Equal((HttpStatusCode.OK, (long?)bytes.Length, tag), (head.StatusCode, head.Content.Headers.ContentLength, head.Headers.ETag));
        Assert.Empty(await head.Content.ReadAsByteArrayAsync(Cancel));
    }

    [Theory]
    [InlineData("/images/x/200", 400)]
    [InlineData("/images/1/0", 400)]
    [InlineData("/images/1/wide", 400)]
    [InlineData("/images/1/10001", 400)]
    [InlineData("/images/1/200?size=3", 400)]
    [InlineData("/images/1/200", 404)]
    [InlineData("/images/9223372036854775807/200", 404)]
    [InlineData("/images/1", 404)]
    public async Task What_is_no_image_is_a_problem(string path, int status)
    {
        using var response = await shop.Http.GetAsync(path, Cancel);
        Assert.Equal((status, "application/problem+json"), ((int)response.StatusCode, response.Content.Headers.ContentType?.ToString()));
        Assert.True(response.Headers.CacheControl?.NoStore ?? true);
    }

    [Fact]
    public async Task A_broken_image_has_failed_and_is_neither_shown_nor_tried_again()
    {
        Assert.SkipUnless(Samples.HasVips, "libvips-tools is not installed");
        using var user = await ImageUser.OfAsync(shop, 830);
        var image = await user.SettledAsync(await user.UploadAsync(Samples.Png(400, 300, new byte[1_000])));
        Assert.Equal("failed", image.State);
        Assert.StartsWith("it is broken: ", image.Problem, StringComparison.Ordinal);
        Assert.Empty(await user.ShownAsync());
        Assert.Equal(HttpStatusCode.NotFound, (await user.GetAsync(image.Url)).StatusCode);
        Assert.Equal(0L, await shop.ScalarAsync<long>($"SELECT count(*) FROM tenfold.jobs WHERE payload::text LIKE '%{image.Id}%'"));
    }

    [Fact]
    public async Task Images_are_moved_and_deleted_with_their_files()
    {
        Assert.SkipUnless(Samples.HasVips, "libvips-tools is not installed");
        using var user = await ImageUser.OfAsync(shop, 840);
        var ids = new List<string>();
        for (var seed = 0; seed < 3; seed++)
        {
            ids.Add((await user.SettledAsync(await user.UploadAsync(Samples.Png(30, 20, seed)))).Id);
        }

        await user.ShownAsync(images => images.Select(image => image.Id).SequenceEqual(ids));
        foreach (var (id, position, order) in ((string, int, int[])[])[(ids[2], 1, [2, 0, 1]), (ids[2], 2, [0, 2, 1]), (ids[0], 99, [2, 1, 0])])
        {
            using var moved = await user.Http.PutAsJsonAsync($"/api/images/{id}", new { position }, Cancel);
            Assert.Equal(HttpStatusCode.OK, moved.StatusCode);
            var answer = (await moved.Content.ReadFromJsonAsync(ImagesJson.Default.ListOfImages, Cancel))!.Data;
            Assert.Equal(order.Select(index => ids[index]), answer.Select(image => image.Id));
            Assert.Equal([1, 2, 3], answer.Select(image => image.Position));
            Assert.Equal(order.Select(index => ids[index]), (await user.ShownAsync()).Select(image => image.Id));
        }

        Assert.Equal(HttpStatusCode.BadRequest, (await user.Http.PutAsJsonAsync($"/api/images/{ids[0]}", new { position = 0 }, Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await user.Http.PutAsJsonAsync($"/api/images/{ids[0]}", new { }, Cancel)).StatusCode);

        Assert.Equal(HttpStatusCode.NoContent, (await user.Http.DeleteAsync($"/api/images/{ids[2]}", Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await user.Http.DeleteAsync($"/api/images/{ids[2]}", Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await user.GetAsync($"/images/{ids[2]}/30")).StatusCode);
        Assert.Equal([ids[1], ids[0]], (await user.ShownAsync()).Select(image => image.Id));
        Assert.Equal([1, 2], (await user.ListAsync()).Select(image => image.Position));
        for (var since = TimeProvider.System.GetTimestamp(); await shop.ScalarAsync<long>($"SELECT count(*) FROM images WHERE id = {ids[2]}") > 0; await Task.Delay(20, Cancel))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(since) < Shop.Wait, "its job does not end");
        }

        Assert.Empty(Directory.GetDirectories(Shop.Files, ids[2], SearchOption.AllDirectories));
        Assert.Single(Directory.GetDirectories(Shop.Files, ids[1], SearchOption.AllDirectories));
    }
}
