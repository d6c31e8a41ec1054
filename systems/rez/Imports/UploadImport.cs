using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Npgsql;
using Commons.Data;
using Commons.Http;
using Rez.Imports.Files;
using Rez.Products;
using Tenfold.AspNetCore;
using Tenfold.AspNetCore.Errors;
using Tenfold.Jobs;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Imports;

/// <summary>
/// <c>POST /api/merchants/{id}/import</c>: a file of products, CSV or NDJSON. It goes line by line into a staging table as it comes, and
/// is applied by a job that is enqueued when it is whole. The <c>Idempotency-Key</c> makes it safe to send again.
/// </summary>
internal sealed class UploadImport(ImportUploads uploads, PostgresStore home, JobClient jobs, TimeProvider time, ILogger<UploadImport> logger) : IDisposable
{
    /// <summary>Files that an instance takes at the same time.</summary>
    public const int MostAtOnce = 16;

    private const int LongestKey = 200;

    // 100 MiB within the quarter of an hour that the guide's route gives them need 114 KiB/s; this ends connections that stand still.
    private static readonly MinDataRate Slowest = new(bytesPerSecond: 8 << 10, gracePeriod: TimeSpan.FromSeconds(10));

    private readonly SemaphoreSlim _slots = new(MostAtOnce);

    public async Task HandleAsync(HttpContext context)
    {
        if (await Ownership.ReadMerchantAsync(context) is not { } merchant || !await new QueryParameters(context).AnswerErrorsAsync(context) || await ReadHeadersAsync(context) is not ({ } key, { } format))
        {
            return;
        }

        if (!await _slots.WaitAsync(TimeSpan.Zero))
        {
            context.Response.Headers.RetryAfter = "5";
            await Problem.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, $"This instance is taking {MostAtOnce} files already. Try again.");
            return;
        }

        try
        {
            await TakeAsync(context, merchant, key, format);
        }
        finally
        {
            _slots.Release();
        }
    }

    public void Dispose() => _slots.Dispose();

    private async Task TakeAsync(HttpContext context, int merchant, string key, LineFormat format)
    {
        var caller = context.Caller();
        if (!await ExistsAsync(merchant, caller, context.RequestAborted))
        {
            await ItemReply.NotFoundAsync(context, "merchant");
            return;
        }

        var (import, isNew) = await uploads.BeginAsync(merchant, key, format.Name, caller, context.RequestAborted);
        if (import is null)
        {
            context.Response.Headers.RetryAfter = "10";
            await Problem.WriteAsync(context, StatusCodes.Status429TooManyRequests, $"Merchant {merchant} has {ImportUploads.MostOpen} imports that have not ended. Wait for one of them.");
        }
        else if (isNew)
        {
            await UploadAsync(context, merchant, import.Number, format, caller);
        }
        else if (import.State == "uploading")
        {
            context.Response.Headers.RetryAfter = "5";
            await Problem.WriteAsync(context, StatusCodes.Status409Conflict, $"The file with this Idempotency-Key is being uploaded (import {import.Id}). Wait for it; an upload that broke off is given up after {ImportUploads.Silence.TotalSeconds:0} s.");
        }
        else
        {
            await ReplayAsync(context, import, format);
        }
    }

    private async Task UploadAsync(HttpContext context, int merchant, ShardId id, LineFormat format, Caller caller)
    {
        using var reader = new ImportReader(context.Request.Body, format, time);
        Import? received = null;
        try
        {
            if (await StageAsync(context, id, reader))
            {
                received = await uploads.ReceiveAsync(id, reader.Bytes, reader.Sha256(), EnqueueAsync, caller, context.RequestAborted);
            }
        }
        catch (ImportFileException wrong)
        {
            await RemoveAsync(id);
            await Problem.WriteAsync(context, wrong.Status, "The file is not imported: " + wrong.Message + ".");
            return;
        }
        catch
        {
            // The client has left or is too slow, or a database is away. Removes nothing when it was received all the same.
            await RemoveAsync(id);
            throw;
        }

        if (received is null)
        {
            await Problem.WriteAsync(context, StatusCodes.Status409Conflict, "The upload was silent for too long, and was given up. Send the file again.");
            return;
        }

        await AnswerAsync(context, received);

        async Task<long> EnqueueAsync(NpgsqlConnection connection, CancellationToken cancel) =>
            (await jobs.EnqueueAsync(connection, new ImportJob(id.Value), new EnqueueOptions { Key = merchant.ToString(CultureInfo.InvariantCulture) }, cancel)).Id;
    }

    private async Task<bool> StageAsync(HttpContext context, ShardId id, ImportReader reader)
    {
        var batch = new ImportBatch();
        LineError? first = null;
        var right = 0;
        for (var more = true; more;)
        {
            more = await reader.ReadAsync(batch, context.RequestAborted);
            first ??= batch.Errors.Count > 0 ? batch.Errors[0] : null;
            right += batch.Products.Count;
            if ((more || !batch.IsEmpty) && !await uploads.StageAsync(id, batch, context.RequestAborted))
            {
                return false;
            }
        }

        return right > 0 ? true : throw new ImportFileException(
            StatusCodes.Status400BadRequest, first is { } error ? $"none of its {reader.Rows} lines is right; line {error.Line}: {error.Message}" : "it has no products");
    }

    /// <summary>The same key again: the same import, if the file is the same.</summary>
    private async Task ReplayAsync(HttpContext context, Import import, LineFormat format)
    {
        var isSame = format.Name == import.Format && (context.Request.ContentLength ?? import.Bytes) == import.Bytes;
        if (isSame)
        {
            using var reader = new ImportReader(context.Request.Body, format, time);
            try
            {
                await reader.SkipAsync(context.RequestAborted);
            }
            catch (ImportFileException)
            {
                // Larger than any import.
            }

            isSame = reader.Bytes == import.Bytes && CryptographicOperations.FixedTimeEquals(reader.Sha256(), import.Sha256);
        }

        if (isSame)
        {
            await AnswerAsync(context, import);
            return;
        }

        await Problem.WriteAsync(context, StatusCodes.Status422UnprocessableEntity, $"This Idempotency-Key was used for another file (import {import.Id}). Take a new key for each file.");
    }

    private static async Task AnswerAsync(HttpContext context, Import import)
    {
        context.Response.Headers.Location = $"/api/imports/{import.Id}";
        context.Response.Headers.CacheControl = "no-store";
        using var reply = new Reply();
        reply.Add("{\"success\":true,\"data\":"u8).Add(import, RezJson.Default.Import).Add("}"u8);
        await reply.SendAsync(context, StatusCodes.Status202Accepted);
    }

    private async Task RemoveAsync(ShardId id)
    {
        try
        {
            await uploads.RemoveAsync(id, CancellationToken.None);
        }
        catch (Exception e) when (e is NpgsqlException or PostgresStoreException or ShardException or IOException or TimeoutException)
        {
            logger.LogDebug(e, "Import {Id} is left to the cleaner", id);
        }
    }

    private async Task<bool> ExistsAsync(int merchant, Caller caller, CancellationToken cancel)
    {
        await using var connection = await home.OpenReaderAsync(caller, cancel);
        return (await Sql.ListAsync(Sql.Command(connection, "SELECT 1 FROM merchants WHERE id = $1", merchant), _ => true, cancel)).Count > 0;
    }

    private static async ValueTask<(string? Key, LineFormat? Format)> ReadHeadersAsync(HttpContext context)
    {
        var request = context.Request;
        var key = request.Headers["Idempotency-Key"];
        if (key.Count != 1 || key[0] is not { Length: > 0 and <= LongestKey } text || text.AsSpan().ContainsAnyExceptInRange('\x21', '\x7E'))
        {
            await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, $"Idempotency-Key is {(key.Count == 0 ? "missing" : "not one key")}: send 1 to {LongestKey} visible ASCII characters without spaces, new ones for each file, such as a UUID. The same key with the same file is the same import.");
            return default;
        }

        if (request.Headers.ContentEncoding.Count > 0 && request.Headers.ContentEncoding.ToString() is not ("" or "identity"))
        {
            context.Response.Headers.AcceptEncoding = "identity";
            await Problem.WriteAsync(context, StatusCodes.Status415UnsupportedMediaType, $"The body is encoded as '{request.Headers.ContentEncoding}'; send it as it is.");
            return default;
        }

        if (LineFormat.Of(request.ContentType) is not { } format)
        {
            await Problem.WriteAsync(context, StatusCodes.Status415UnsupportedMediaType, $"The body is '{request.ContentType}'; send text/csv or application/x-ndjson, in UTF-8.");
            return default;
        }

        if (request.ContentLength > ImportReader.MostBytes)
        {
            await Problem.WriteAsync(context, StatusCodes.Status413PayloadTooLarge, $"The file has {request.ContentLength} bytes; {ImportReader.MostBytes} are allowed (100 MiB): split it.");
            return default;
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = null; // the reader counts
        }

        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = Slowest;
        }

        return (text, format);
    }
}
