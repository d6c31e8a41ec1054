using System.Diagnostics;
using Commons.Files;

namespace Rez.Tests.Files;

public sealed class FolderBlobStoreTests : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "blobs-" + Guid.NewGuid().ToString("N"));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private FolderBlobStore Store => new(_folder, TimeProvider.System);

    private string[] Incoming => Directory.Exists(Path.Combine(_folder, "incoming")) ? Directory.GetFiles(Path.Combine(_folder, "incoming")) : [];

    [Fact]
    public async Task What_was_stored_is_there_until_its_folder_is_deleted()
    {
        await PutAsync("images/7/original", "one"u8.ToArray());
        await PutAsync("images/7/400.webp", "two"u8.ToArray());
        await PutAsync("images/8/original", "three"u8.ToArray());
        Assert.Equal("one"u8.ToArray(), await ReadAsync("images/7/original"));
        Assert.Equal("two"u8.ToArray(), await ReadAsync("images/7/400.webp"));
        Assert.Null(await Store.OpenAsync("images/9/original", Cancel));
        await Store.DeleteAsync("images/7", Cancel);
        await Store.DeleteAsync("images/7", Cancel);
        Assert.Null(await Store.OpenAsync("images/7/original", Cancel));
        Assert.Equal("three"u8.ToArray(), await ReadAsync("images/8/original"));
        Assert.Empty(Incoming);
    }

    [Fact]
    public async Task Whoever_reads_a_file_that_is_replaced_reads_the_old_one_to_its_end()
    {
        await PutAsync("a/b", "old content"u8.ToArray());
        await using var old = (await Store.OpenAsync("a/b", Cancel))!;
        await PutAsync("a/b", "new"u8.ToArray());
        Assert.Equal("old content"u8.ToArray(), await AllAsync(old));
        await using var current = (await Store.OpenAsync("a/b", Cancel))!;
        Assert.NotEqual(old.Version, current.Version);
        Assert.Equal("new"u8.ToArray(), await AllAsync(current));
    }

    [Fact]
    public async Task A_draft_that_is_not_stored_leaves_nothing_and_one_that_was_left_is_swept()
    {
        await using (var draft = Store.Draft())
        {
            await draft.WriteAsync("half"u8.ToArray(), Cancel);
            Assert.Single(Incoming);
            Assert.Equal(0, Store.Sweep(TimeSpan.FromHours(1)));
        }

        Assert.Empty(Incoming);
        var left = Store.Draft(); // as if its process had died
        Assert.Equal(1, Store.Sweep(TimeSpan.FromHours(-1)));
        Assert.Empty(Incoming);
        await left.DisposeAsync();
    }

    [Theory]
    [InlineData("original")]
    [InlineData("../original")]
    [InlineData("images/../x")]
    [InlineData("/images/x")]
    [InlineData("images//x")]
    [InlineData("Images/x")]
    [InlineData("images/x\0")]
    public async Task What_is_no_key_is_refused(string key)
    {
        await Assert.ThrowsAsync<ArgumentException>(() => Store.OpenAsync(key, Cancel));
        await using var draft = Store.Draft();
        await Assert.ThrowsAsync<ArgumentException>(() => Store.PutAsync(key, draft, "text/plain", Cancel));
    }

    [Fact]
    public async Task A_full_disk_is_said_and_leaves_nothing()
    {
        Directory.CreateDirectory(_folder);
        Assert.SkipUnless(Environment.IsPrivilegedProcess && Run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", _folder) == 0, "a small file system can be mounted by root only");
        try
        {
            await PutAsync("a/small", new byte[1_000]);
            var full = await Assert.ThrowsAsync<BlobStoreException>(() => PutAsync("a/large", new byte[1 << 20]));
            Assert.Equal(BlobFailure.Full, full.Failure);
            Assert.Contains(_folder, full.Message, StringComparison.Ordinal);
            Assert.Empty(Incoming);
            Assert.Null(await Store.OpenAsync("a/large", Cancel));
            Assert.Equal(1_000, (await ReadAsync("a/small")).Length);
        }
        finally
        {
            Assert.Equal(0, Run("umount", "-l", _folder));
        }
    }

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private static int Run(string command, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
        process.WaitForExit();
        return process.ExitCode;
    }

    private async Task PutAsync(string key, byte[] content)
    {
        await using var draft = Store.Draft();
        await draft.WriteAsync(content.AsMemory(), Cancel);
        await Store.PutAsync(key, draft, "application/octet-stream", Cancel);
    }

    private async Task<byte[]> ReadAsync(string key)
    {
        await using var blob = (await Store.OpenAsync(key, Cancel))!;
        return await AllAsync(blob);
    }

    private static async Task<byte[]> AllAsync(Blob blob)
    {
        using var copy = new MemoryStream();
        await blob.Content.CopyToAsync(copy, Cancel);
        Assert.Equal(blob.Length, copy.Length);
        return copy.ToArray();
    }
}
