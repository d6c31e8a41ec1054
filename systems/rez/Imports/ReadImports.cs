using Commons.Accounts;
using Commons.Http;
using Rez.Products;
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

        if (await imports.FindAsync(new ShardId(id), context.Caller(), context.RequestAborted) is not { } import || !context.Identity().MayChange(import.MerchantId))
        {
            await ItemReply.NotFoundAsync(context, "import");
            return;
        }

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
        if (await Ownership.ReadMerchantAsync(context) is not { } merchant || !await parameters.AnswerErrorsAsync(context))
        {
            return;
        }

        var found = await imports.ListAsync(merchant, limit, context.Caller(), context.RequestAborted);
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
