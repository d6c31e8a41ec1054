using Commons.Accounts;
using Commons.Http;
using Tenfold.AspNetCore;

namespace Rez.Products;

/// <summary>Whose products somebody may change: a merchant's staff its own, administrators all. Another one's is not there for them.</summary>
internal sealed class Ownership(Catalogue catalogue)
{
    /// <summary>The merchant of a product that the caller may change; null when a 404 has been written.</summary>
    public async Task<int?> FindAsync(HttpContext context, long product)
    {
        if (await catalogue.FindAsync(product, null, context.Caller(), context.RequestAborted) is { } place && context.Identity().MayChange(place.Merchant))
        {
            return place.Merchant;
        }

        await ItemReply.NotFoundAsync(context, "product");
        return null;
    }

    /// <summary>The merchant of the path, if the caller may act for it; null when a 400 or 404 has been written.</summary>
    public static async Task<int?> ReadMerchantAsync(HttpContext context)
    {
        if (await ItemReply.ReadIdAsync(context, "merchant") is not { } id)
        {
            return null;
        }

        if (id <= int.MaxValue && context.Identity().MayChange((int)id))
        {
            return (int)id;
        }

        await ItemReply.NotFoundAsync(context, "merchant");
        return null;
    }
}

internal static class OwnershipExtensions
{
    /// <summary>Whether somebody may change what is a merchant's.</summary>
    public static bool MayChange(this Identity identity, int merchant) => identity.Role == Access.Admin || (identity.Role == Access.Merchant && identity.ActsFor == merchant);
}
