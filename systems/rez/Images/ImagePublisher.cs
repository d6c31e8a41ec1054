using Commons.Http;
using Rez.Caching;
using Rez.Products;
using Tenfold.Caching;
using Tenfold.Postgres;

namespace Rez.Images;

/// <summary>Brings a product whose images have changed into the catalogue. What does not get there is brought by <see cref="Publisher"/>.</summary>
internal sealed class ImagePublisher(Publisher publisher, TenfoldCache cache)
{
    private static readonly ProductChange NothingThatIsCounted = new();

    /// <param name="changed">Null: it shows what it showed before.</param>
    /// <param name="cancel">Gives it up.</param>
    public async Task PublishAsync(MerchantProduct? changed, CancellationToken cancel)
    {
        if (changed is not null)
        {
            await publisher.PublishAsync([changed], cancel);
            await Cached.InvalidateAsync(cache, changed.Id, NothingThatIsCounted);
        }
    }

    /// <summary>The same for a request, whose caller sees it from then on. It is done whether its client has left or not.</summary>
    public async Task PublishAsync(MerchantProduct? changed, Caller caller)
    {
        if (changed is not null)
        {
            using var reply = new Reply();
            await publisher.PublishAsync(changed, reply, caller);
            await Cached.InvalidateAsync(cache, changed.Id, NothingThatIsCounted);
        }
    }
}
