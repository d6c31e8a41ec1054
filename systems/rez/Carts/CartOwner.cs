using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using Commons.Accounts;
using Tenfold.AspNetCore;
using Tenfold.Postgres.Shards;

namespace Rez.Carts;

/// <summary>Whose a cart is: a user's id, or for a guest a negative number that follows from the secret in its cookie.</summary>
internal sealed record CartOwner(int Bucket, long Id)
{
    public ShardKey Key => ShardKey.OfBucket(Bucket);

    /// <summary>A user's cart.</summary>
    public static CartOwner Of(ShardId user) => new(user.Bucket, user.Value);
}

/// <summary>
/// Finds the cart of a request. A guest's is known by a cookie with 128 random bits: whoever has it has the cart, and neither it nor
/// the cart's number can be guessed. A guest who logs in takes the cart along: it is merged when the user asks for a cart.
/// </summary>
internal sealed class CartOwners(CartTable carts, ShardedStore store)
{
    private const string Cookie = "rez_cart";
    private const int SecretBytes = 16;
    private const int SecretLength = 22;

    /// <summary>The request's cart; null when a guest has none yet.</summary>
    public async ValueTask<CartOwner?> FindAsync(HttpContext context, CancellationToken cancel)
    {
        var guest = OfGuest(context.Request.Cookies[Cookie]);
        if (context.FindIdentity() is not { } identity)
        {
            return guest;
        }

        var user = CartOwner.Of(identity.User);
        if (guest is not null)
        {
            await carts.MergeAsync(guest, user, context.Caller(), cancel);
            context.Response.Cookies.Delete(Cookie, Options(context));
        }

        return user;
    }

    /// <summary>The request's cart; a guest without one gets one, and the cookie.</summary>
    public async ValueTask<CartOwner> EnsureAsync(HttpContext context, CancellationToken cancel)
    {
        if (await FindAsync(context, cancel) is { } known)
        {
            return known;
        }

        var secret = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));
        var options = Options(context);
        options.MaxAge = CartTable.GuestsKept;
        context.Response.Cookies.Append(Cookie, secret, options);
        return OfGuest(secret)!;
    }

    private CartOwner? OfGuest(string? secret)
    {
        Span<byte> bytes = stackalloc byte[SecretBytes + 2];
        if (secret?.Length != SecretLength || Base64Url.DecodeFromChars(secret, bytes, out _, out var written) != OperationStatus.Done || written != SecretBytes)
        {
            return null;
        }

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes[..SecretBytes], hash);
        var number = BinaryPrimitives.ReadInt64BigEndian(hash) | long.MinValue; // below all ids of users
        return new CartOwner(store.Map.BucketOf(number), number);
    }

    private static CookieOptions Options(HttpContext context) => new() { HttpOnly = true, SameSite = SameSiteMode.Lax, Secure = context.Request.IsHttps, Path = "/api", IsEssential = true };
}
