using System.Globalization;
using System.Text.Json;
using Commons.Accounts;
using Commons.Http;
using Rez.Products;
using Tenfold.AspNetCore;
using Tenfold.AspNetCore.Errors;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Imports;

/// <summary>
/// <c>GET /api/imports/{id}/events</c>: server-sent events about how far an import is. Each one says everything, so that a client which
/// comes back with <c>Last-Event-ID</c> needs the newest one only. Every instance can serve it: it looks into the database.
/// </summary>
internal sealed class ImportEvents(ImportTable imports, IHostApplicationLifetime lifetime, TimeProvider time) : IDisposable
{
    /// <summary>Streams that an instance serves at the same time.</summary>
    public const int MostAtOnce = 200;

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);
    private readonly SemaphoreSlim _slots = new(MostAtOnce);

    public async Task HandleAsync(HttpContext context)
    {
        if (await ItemReply.ReadIdAsync(context, "import") is not { } id || !await new QueryParameters(context).AnswerErrorsAsync(context))
        {
            return;
        }

        if (!await _slots.WaitAsync(TimeSpan.Zero))
        {
            context.Response.Headers.RetryAfter = "5";
            await Problem.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, $"This instance serves {MostAtOnce} streams already. Try again.");
            return;
        }

        try
        {
            await AnswerAsync(context, new ShardId(id), context.Caller());
        }
        finally
        {
            _slots.Release();
        }
    }

    public void Dispose() => _slots.Dispose();

    private async Task AnswerAsync(HttpContext context, ShardId id, Caller caller)
    {
        if (await imports.LookAsync(id, caller, context.RequestAborted) is not { } import || !context.Identity().MayChange(import.MerchantId))
        {
            await ItemReply.NotFoundAsync(context, "import");
            return;
        }

        var seen = long.TryParse(context.Request.Headers["Last-Event-ID"], NumberStyles.None, CultureInfo.InvariantCulture, out var last) ? last : 0;
        if (import.HasEnded && seen >= import.Changes)
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent; // a browser does not come back after it
            return;
        }

        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers["X-Accel-Buffering"] = "no"; // nginx
        await WriteAsync(context, "retry: 2000\n\n");
        // At a rolling restart the stream ends, and the client goes on at another instance.
        using var over = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        try
        {
            await FollowAsync(context, import, caller, seen, over.Token);
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            // This instance stops.
        }
    }

    private async Task FollowAsync(HttpContext context, Import? import, Caller caller, long seen, CancellationToken over)
    {
        var wrote = time.GetTimestamp();
        var id = import!.Number;
        while (import is not null)
        {
            // A replica may show less than the server before it did.
            if (import.Changes > seen)
            {
                seen = import.Changes;
                await WriteAsync(context, $"id: {seen}\nevent: {(import.HasEnded ? import.State : "progress")}\ndata: {JsonSerializer.Serialize(import, RezJson.Default.Import)}\n\n");
                wrote = time.GetTimestamp();
            }
            else if (time.GetElapsedTime(wrote) >= Heartbeat)
            {
                await WriteAsync(context, ":\n\n");
                wrote = time.GetTimestamp();
            }

            if (import.HasEnded)
            {
                return;
            }

            await Task.Delay(Look, time, over);
            import = await imports.LookAsync(id, caller, over);
        }
    }

    private static async Task WriteAsync(HttpContext context, string text)
    {
        await context.Response.WriteAsync(text, context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }
}
