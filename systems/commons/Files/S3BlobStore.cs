using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace Commons.Files;

/// <summary>
/// Files in a bucket of S3, or of a service that speaks its protocol. A request is tried three times in all, for at most 30 s each. Drafts are files
/// of this machine's temporary folder without a name, so that none is left when the process dies.
/// </summary>
/// <param name="client">Signs and sends; disposed with the store.</param>
/// <param name="bucket">The bucket, which must be there.</param>
/// <param name="prefix">Before each key; empty or ending with <c>/</c>.</param>
public sealed class S3BlobStore(IAmazonS3 client, string bucket, string prefix) : IBlobStore, IDisposable
{
    private readonly string _place = $"the bucket {bucket}";

    public BlobDraft Draft()
    {
        var draft = new BlobDraft(Path.Combine(Path.GetTempPath(), "blob-drafts"), "the temporary folder of this machine");
        File.Delete(draft.Path);
        return draft;
    }

    public Task PutAsync(string key, BlobDraft draft, string type, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(draft);
        return AskAsync(() => client.PutObjectAsync(
            new PutObjectRequest
            {
                BucketName = bucket, Key = Name(key), InputStream = draft.Read(), ContentType = type, AutoCloseStream = false, AutoResetStreamPosition = false,
                UseChunkEncoding = false, // the content's own hash is signed, which every service understands
            },
            cancel));
    }

    public async Task<Blob?> OpenAsync(string key, CancellationToken cancel)
    {
        var name = Name(key);
        var found = await AskAsync(async () =>
        {
            try
            {
                return await client.GetObjectMetadataAsync(new GetObjectMetadataRequest { BucketName = bucket, Key = name }, cancel);
            }
            catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound)
            {
                return null;
            }
        });
        return found is null ? null : new Blob(new Content(this, name, found.ETag, found.ContentLength), found.ContentLength, found.ETag.Trim('"'), found.LastModified ?? DateTimeOffset.UnixEpoch);
    }

    public async Task DeleteAsync(string folder, CancellationToken cancel)
    {
        BlobKey.Check(folder, parts: 1);
        var request = new ListObjectsV2Request { BucketName = bucket, Prefix = $"{prefix}{folder}/" };
        ListObjectsV2Response page;
        do
        {
            page = await AskAsync(() => client.ListObjectsV2Async(request, cancel));
            foreach (var stored in page.S3Objects ?? [])
            {
                await AskAsync(() => client.DeleteObjectAsync(new DeleteObjectRequest { BucketName = bucket, Key = stored.Key }, cancel));
            }

            request.ContinuationToken = page.NextContinuationToken;
        }
        while (page.IsTruncated == true);
    }

    public int Sweep(TimeSpan age) => 0;

    public void Dispose() => client.Dispose();

    private string Name(string key)
    {
        BlobKey.Check(key, parts: 2);
        return prefix + key;
    }

    private async Task<T> AskAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (AmazonServiceException e)
        {
            throw BlobErrors.Of(e, e.StatusCode, _place);
        }
        catch (Exception e) when (e is AmazonClientException or HttpRequestException or WebException or TimeoutException || (e is IOException and not BlobStoreException))
        {
            throw BlobErrors.Of(e, default(HttpStatusCode), _place);
        }
    }

    /// <summary>Asks for what is read, when it is read: from the position on, and only of the version that was found.</summary>
    private sealed class Content(S3BlobStore store, string name, string version, long length) : Stream
    {
        private GetObjectResponse? _answer;
        private long _position;

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => length;

        public override long Position { get => _position; set => Seek(value, SeekOrigin.Begin); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_position >= length || buffer.IsEmpty)
            {
                return 0;
            }

            var read = await store.AskAsync(async () =>
            {
                _answer ??= await store.Client.GetObjectAsync(
                    new GetObjectRequest { BucketName = store.Bucket, Key = name, EtagToMatch = version, ByteRange = new ByteRange(_position, length - 1) }, cancellationToken);
                return await _answer.ResponseStream.ReadAsync(buffer, cancellationToken);
            });
            _position += read;
            return read > 0 ? read : throw new BlobStoreException(BlobFailure.Unavailable, $"{name} broke off after {_position} of {length} bytes.");
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override long Seek(long offset, SeekOrigin origin)
        {
            var to = origin switch { SeekOrigin.Begin => offset, SeekOrigin.Current => _position + offset, _ => length + offset };
            ArgumentOutOfRangeException.ThrowIfNegative(to, nameof(offset));
            if (to != _position)
            {
                _answer?.Dispose();
                _answer = null;
                _position = to;
            }

            return to;
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read it asynchronously.");

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        protected override void Dispose(bool disposing)
        {
            _answer?.Dispose();
            base.Dispose(disposing);
        }
    }

    private IAmazonS3 Client => client;

    private string Bucket => bucket;
}
