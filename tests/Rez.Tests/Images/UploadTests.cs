using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Commons.Accounts;
using Rez.Images;

namespace Rez.Tests.Images;

public sealed class UploadTests(Shop shop)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, byte[], int> Bodies => new()
    {
        { "text/plain", "x"u8.ToArray(), 415 },
        { "multipart/form-data", "x"u8.ToArray(), 415 }, // no boundary
        { "multipart/form-data; boundary=" + new string('b', 71), "x"u8.ToArray(), 415 },
        { "multipart/form-data; boundary=b", [], 400 },
        { "multipart/form-data; boundary=b", "nothing of it"u8.ToArray(), 400 },
        { "multipart/form-data; boundary=b", "--b--\r\n"u8.ToArray(), 400 },
        { "multipart/form-data; boundary=b", Part("name=\"file\"; filename=\"a.png\"", Samples.Png(2, 2), end: ""), 400 }, // cut off
        { "multipart/form-data; boundary=b", Part("name=\"other\"; filename=\"a.png\"", Samples.Png(2, 2)), 400 },
        { "multipart/form-data; boundary=b", Part("name=\"file\"", Samples.Png(2, 2)), 400 }, // a field, no file
        { "multipart/form-data; boundary=b", Part("name=\"file\"; filename=\"a.png\"\r\nContent-Transfer-Encoding: base64", Samples.Png(2, 2)), 400 },
        { "multipart/form-data; boundary=b", Part("name=\"file\"; filename=\"a.png\"", Samples.Png(2, 2), end: "\r\n--b\r\nContent-Disposition: form-data; name=\"more\"\r\n\r\nx\r\n--b--\r\n"), 400 },
        { "multipart/form-data; boundary=b", Part("name=\"file\"; filename=\"a.png\"", []), 415 }, // empty
        { "multipart/form-data; boundary=b", Part("name=\"file\"; filename=\"a.png\"", "GIF89a, or so it says"u8.ToArray()), 415 },
        { "multipart/form-data; boundary=b", Part("name=\"file\"; filename=\"a.svg\"\r\nContent-Type: image/png", "<svg xmlns='http://www.w3.org/2000/svg'/>"u8.ToArray()), 415 },
        { "multipart/form-data; boundary=b", Part("name=\"file\"; filename=\"a.jpg\"", [0xFF, 0xD8, 0xFF, 0xD9]), 422 }, // no size
        { "multipart/form-data; boundary=b", Part("name=\"file\"; filename=\"a.png\"", Samples.Png(60_000, 60_000, [1])), 422 }, // a bomb
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task A_body_that_is_not_one_image_is_refused_and_leaves_nothing(string type, byte[] body, int status)
    {
        using var user = await ImageUser.OfAsync(shop, 700);
        using var content = new ByteArrayContent(body);
        content.Headers.TryAddWithoutValidation("Content-Type", type);
        using var response = await user.Http.PostAsync($"/api/products/{user.Product}/images", content, Cancel);
        var said = await response.Content.ReadAsStringAsync(Cancel);
        Assert.True((int)response.StatusCode == status, $"{(int)response.StatusCode} {said}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.ToString());
        await NothingIsLeftAsync(user);
    }

    [Fact]
    public async Task A_file_above_the_limit_is_refused_and_one_at_the_limit_goes_to_the_disk_and_not_into_memory()
    {
        using var user = await ImageUser.OfAsync(shop, 710);
        user.Http.DefaultRequestHeaders.ExpectContinue = true; // who does not wait for the answer to its head meets a closed connection
        using (var said = await user.PostAsync(new ByteArrayContent(new byte[UploadImage.MostBytes + (1 << 20)])))
        {
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, said.StatusCode); // by its length, before anything is read
        }

        using (var chunked = await user.PostAsync(new Padded(UploadImage.MostBytes + 1)))
        {
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, chunked.StatusCode); // by what came
        }

        await NothingIsLeftAsync(user);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        using var taken = await user.PostAsync(new Padded(UploadImage.MostBytes));
        Assert.True(taken.StatusCode == HttpStatusCode.Created, await taken.Content.ReadAsStringAsync(Cancel));
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, UploadImage.MostBytes / 3); // of everything in this process
        Assert.Equal(UploadImage.MostBytes, Assert.Single(await user.ListAsync()).Bytes);
    }

    [Fact]
    public async Task A_client_that_leaves_in_the_middle_leaves_nothing()
    {
        using var user = await ImageUser.OfAsync(shop, 720);
        using (var client = new TcpClient())
        {
            await client.ConnectAsync(IPAddress.Loopback, user.Http.BaseAddress!.Port, Cancel);
            var head = $"POST /api/products/{user.Product}/images HTTP/1.1\r\nHost: x\r\nAuthorization: {user.Http.DefaultRequestHeaders.Authorization}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n";
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head), Cancel);
            await client.GetStream().WriteAsync(Part("name=\"file\"; filename=\"a.png\"", Samples.Png(100, 100), end: ""), Cancel);
            await UntilAsync(async () => await shop.ScalarAsync<long>($"SELECT count(*) FROM images WHERE product_id = {user.Product} AND state = 'uploading'") == 1);
        }

        await NothingIsLeftAsync(user);
    }

    [Fact]
    public async Task The_same_file_again_is_the_same_image_and_a_product_has_no_more_than_ten()
    {
        using var user = await ImageUser.OfAsync(shop, 730);
        var first = await user.UploadAsync(Samples.Png(20, 10, seed: 0));
        using (var again = await user.PostAsync(new ByteArrayContent(Samples.Png(20, 10, seed: 0))))
        {
            Assert.Equal((HttpStatusCode.OK, first.Url), (again.StatusCode, again.Headers.Location?.ToString()));
        }

        // Those that are being uploaded at the same time count.
        var answers = await Task.WhenAll(Enumerable.Range(1, ImageUploads.Most + 2).Select(seed => user.PostAsync(new ByteArrayContent(Samples.Png(20, 10, seed)))));
        Assert.Equal(ImageUploads.Most - 1, answers.Count(answer => answer.StatusCode == HttpStatusCode.Created));
        Assert.Equal(3, answers.Count(answer => answer.StatusCode == HttpStatusCode.Conflict));
        Assert.Equal(Enumerable.Range(1, ImageUploads.Most), (await user.ListAsync()).Select(image => image.Position));
    }

    [Fact]
    public async Task Images_are_their_merchant_s()
    {
        using var user = await ImageUser.OfAsync(shop, 740);
        var image = await user.UploadAsync(Samples.Png(20, 10));
        var other = await shop.ScalarAsync<int>($"SELECT merchant_id FROM products WHERE merchant_id <> (SELECT merchant_id FROM products WHERE id = {user.Product}) LIMIT 1");
        using var stranger = await shop.LogIn(Access.Merchant, other);
        using var customer = await shop.LogIn(Access.Customer);
        foreach (var (who, status) in ((HttpClient, HttpStatusCode)[])[(shop.Http, HttpStatusCode.Unauthorized), (customer.Http, HttpStatusCode.Forbidden), (stranger.Http, HttpStatusCode.NotFound)])
        {
            using var body = new MultipartFormDataContent { { new ByteArrayContent(Samples.Png(20, 10, 1)), "file", "a.png" } };
            Assert.Equal(status, (await who.PostAsync($"/api/products/{user.Product}/images", body, Cancel)).StatusCode);
            Assert.Equal(status, (await who.GetAsync($"/api/products/{user.Product}/images", Cancel)).StatusCode);
            Assert.Equal(status, (await who.DeleteAsync($"/api/images/{image.Id}", Cancel)).StatusCode);
            using var place = new StringContent("""{"position":1}""", Encoding.UTF8, "application/json");
            Assert.Equal(status, (await who.PutAsync($"/api/images/{image.Id}", place, Cancel)).StatusCode);
        }

        Assert.Single(await user.ListAsync());
    }

    private static byte[] Part(string disposition, byte[] content, string end = "\r\n--b--\r\n") =>
        [.. Encoding.ASCII.GetBytes($"--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"), .. content, .. Encoding.ASCII.GetBytes(end)];

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        for (var since = TimeProvider.System.GetTimestamp(); !await isSo(); await Task.Delay(20, Cancel))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(since) < Shop.Wait);
        }
    }

    private async Task NothingIsLeftAsync(ImageUser user)
    {
        await UntilAsync(async () => await shop.ScalarAsync<long>($"SELECT count(*) FROM images WHERE product_id = {user.Product}") == 0);
        await UntilAsync(() => Task.FromResult(!Directory.Exists(Path.Combine(Shop.Files, "incoming")) || Directory.GetFiles(Path.Combine(Shop.Files, "incoming")).Length == 0));
    }

    /// <summary>An image with so many bytes, of which most are nothing, sent in small pieces without saying how many there will be.</summary>
    private sealed class Padded(int length) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            var start = Samples.Png(30, 20);
            await stream.WriteAsync(start);
            var piece = new byte[1 << 14];
            for (var left = length - start.Length; left > 0; left -= piece.Length)
            {
                await stream.WriteAsync(piece.AsMemory(0, Math.Min(left, piece.Length)));
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
