using Commons.Http;
using Tenfold.AspNetCore;
using Tenfold.Postgres.Shards;

namespace Rez.Imports;

/// <summary><c>GET /api/imports/{id}</c>, with the first wrong lines.</summary>
internal sealed class GetImport(ImportTable imports)
{
    public async Task HandleAsync(HttpContext context)
    {
        if (await ItemReply.ReadIdAsync(context, "import") is not { } id || !await new QueryParameters(context).AnswerErrorsAsync(context))
        {
            return;
        }

        if (await imports.FindAsync(new ShardId(id), context.Caller(), context.RequestAborted) is not { } import)
        {
            await ItemReply.NotFoundAsync(context, "import");
            return;
        }

        context.Response.Headers.CacheControl = "no-store";
        using var reply = new Reply();
        reply.Add("{\"success\":true,\"data\":"u8).Add(import, RezJson.Default.Import).Add("}"u8);
        await reply.SendAsync(context);
    }
}

/// <summary><c>GET /api/merchants/{id}/imports</c>, the newest first; a merchant's newest <see cref="ImportTable.Kept"/> are kept.</summary>
internal sealed class ListImports(ImportTable imports)
{
    public async Task HandleAsync(HttpContext context)
    {
        var parameters = new QueryParameters(context);
        var limit = parameters.Number("limit", 20, 1, ImportTable.Kept);
        if (await ItemReply.ReadIdAsync(context, "merchant") is not { } id || !await parameters.AnswerErrorsAsync(context))
        {
            return;
        }

        var found = id <= int.MaxValue ? await imports.ListAsync((int)id, limit, context.Caller(), context.RequestAborted) : [];
        context.Response.Headers.CacheControl = "no-store";
        using var reply = new Reply();
        reply.Add("{\"success\":true,\"data\":["u8);
        for (var i = 0; i < found.Count; i++)
        {
            reply.Add(i > 0 ? ","u8 : []).Add(found[i], RezJson.Default.Import);
        }

        reply.Add("]}"u8);
        await reply.SendAsync(context);
    }
}
