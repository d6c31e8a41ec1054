using Commons.Files;
using Microsoft.Extensions.Configuration;

namespace Rez.Tests.Files;

/// <summary>The store in a bucket, against a stub that checks signatures: there is no S3 service on a test machine.</summary>
public sealed class S3BlobStoreTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_stored_in_a_bucket_is_signed_read_in_parts_and_deleted_by_folder()
    {
        await using var s3 = await S3Stub.StartAsync();
        var store = Store(s3.Url);
        var content = Enumerable.Range(0, 300_000).Select(n => (byte)(n % 251)).ToArray();
        foreach (var name in (string[])["original", "200.jpg", "200.webp", "400.jpg", "400.webp"])
        {
            await PutAsync(store, $"images/7/{name}", content);
        }

        await PutAsync(store, "images/77/original", content);
        Assert.Equal(content, s3.Objects["rez/images/7/original"].Content);
        Assert.Equal("image/webp", s3.Objects["rez/images/7/400.webp"].Type);

        await using (var blob = (await store.OpenAsync("images/7/400.webp", Cancel))!)
        {
            Assert.Equal((content.Length, new DateTimeOffset(2026, 3, 1, 10, 0, 0, TimeSpan.Zero)), (blob.Length, blob.Modified));
            Assert.DoesNotContain('"', blob.Version);
            using var copy = new MemoryStream();
            await blob.Content.CopyToAsync(copy, Cancel);
            Assert.Equal(content, copy.ToArray());
            blob.Content.Position = 299_000;
            var tail = new byte[1_000];
            await blob.Content.ReadExactlyAsync(tail, Cancel);
            Assert.Equal(content[299_000..], tail);

            // What was found is what is read, or nothing.
            await PutAsync(store, "images/7/400.webp", "another"u8.ToArray());
            blob.Content.Position = 0;
            await Assert.ThrowsAsync<BlobStoreException>(() => blob.Content.ReadExactlyAsync(tail, Cancel).AsTask());
        }

        Assert.Null(await store.OpenAsync("images/8/original", Cancel));
        await store.DeleteAsync("images/7", Cancel);
        Assert.Equal(["rez/images/77/original"], s3.Objects.Keys);
    }

    [Fact]
    public async Task A_bucket_that_refuses_or_is_full_is_said()
    {
        await using var s3 = await S3Stub.StartAsync();
        Assert.Equal(BlobFailure.Unavailable, (await Assert.ThrowsAsync<BlobStoreException>(() => PutAsync(Store(s3.Url, secret: "wrong"), "images/7/original", [1]))).Failure);
        s3.Refusal = 507;
        Assert.Equal(BlobFailure.Full, (await Assert.ThrowsAsync<BlobStoreException>(() => PutAsync(Store(s3.Url), "images/7/original", [1]))).Failure);
        Assert.Empty(s3.Objects);
    }

    [Theory]
    [InlineData("Files:Folder=relative/folder", "absolute")]
    [InlineData("Files:Folder=/srv/files Files:S3:Bucket=b", "both")]
    [InlineData("Files:S3:Bucket=b Files:S3:AccessKey=k", "only one")]
    public void What_contradicts_itself_is_refused(string settings, string word) =>
        Assert.Contains(word, Assert.Throws<InvalidOperationException>(() => Make(settings.Split(' '))).Message, StringComparison.Ordinal);

    [Fact]
    public void Empty_settings_are_none() => Assert.IsType<FolderBlobStore>(Make(["Files:Folder=", "Files:S3:Bucket="]));

    private static IBlobStore Store(string url, string secret = S3Stub.Secret) =>
        Make([$"Files:S3:Bucket={S3Stub.Bucket}", $"Files:S3:Endpoint={url}", $"Files:S3:AccessKey={S3Stub.Key}", $"Files:S3:SecretKey={secret}", "Files:S3:Prefix=rez/"]);

    private static IBlobStore Make(IEnumerable<string> settings) => FilesExtensions.Make(
        new ConfigurationBuilder().AddInMemoryCollection(settings.Select(setting => setting.Split('=', 2)).Select(pair => KeyValuePair.Create(pair[0], (string?)pair[1]))).Build(), "rez", TimeProvider.System);

    private static async Task PutAsync(IBlobStore store, string key, byte[] content)
    {
        await using var draft = store.Draft();
        await draft.WriteAsync(content.AsMemory(), Cancel);
        await store.PutAsync(key, draft, "image/webp", Cancel);
    }
}
