using System.Text.Json;
using Commons.Accounts;
using Commons.Events;
using Commons.Http;
using Rez.Products;
using Tenfold.AspNetCore;
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
    private readonly EventStreams _streams = new(MostAtOnce, lifetime, time);

    public async Task HandleAsync(HttpContext context)
    {
        if (await ItemReply.ReadIdAsync(context, "import") is { } id && await new QueryParameters(context).AnswerErrorsAsync(context))
        {
            await _streams.ServeAsync(context, stream => AnswerAsync(context, stream, new ShardId(id), context.Caller()));
        }
    }

    public void Dispose() => _streams.Dispose();

    private async Task AnswerAsync(HttpContext context, EventWriter stream, ShardId id, Caller caller)
    {
        if (await imports.LookAsync(id, caller, context.RequestAborted) is not { } import || !context.Identity().MayChange(import.MerchantId))
        {
            await ItemReply.NotFoundAsync(context, "import");
        }
        else if (import.HasEnded && stream.LastId >= import.Changes)
        {
            stream.End();
        }
        else
        {
            await stream.BeginAsync();
            await FollowAsync(stream, import, caller);
        }
    }

    private async Task FollowAsync(EventWriter stream, Import? import, Caller caller)
    {
        var (id, seen) = (import!.Number, stream.LastId);
        while (import is not null)
        {
            // A replica may show less than the server before it did.
            if (import.Changes > seen)
            {
                seen = import.Changes;
                await stream.WriteAsync(seen, import.HasEnded ? import.State : "progress", JsonSerializer.Serialize(import, RezJson.Default.Import));
            }
            else
            {
                await stream.BeatAsync();
            }

            if (import.HasEnded)
            {
                return;
            }

            await Task.Delay(Look, time, stream.Over);
            import = await imports.LookAsync(id, caller, stream.Over);
        }
    }
}
