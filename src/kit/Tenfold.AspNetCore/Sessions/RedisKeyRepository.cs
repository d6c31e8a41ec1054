using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Tenfold.Redis;

namespace Tenfold.AspNetCore.Sessions;

/// <summary>
/// The key ring of DataProtection in a hash on Redis, without expiry: every instance reads every cookie. The interface blocks; it
/// is called when keys are loaded, once a day and at the start.
/// </summary>
internal sealed class RedisKeyRepository(RedisClient redis, string key) : IXmlRepository
{
    public IReadOnlyCollection<XElement> GetAllElements()
    {
        var all = redis.ExecuteAsync(["HVALS", key]).AsTask().GetAwaiter().GetResult();
        var elements = new List<XElement>();
        foreach (var item in all.Items.Span)
        {
            elements.Add(XElement.Parse(item.Text!));
        }

        return elements;
    }

    public void StoreElement(XElement element, string friendlyName)
    {
        ArgumentNullException.ThrowIfNull(element);
        var text = System.Text.Encoding.UTF8.GetBytes(element.ToString(SaveOptions.DisableFormatting));
        redis.ExecuteAsync(["HSET", key, friendlyName, text]).AsTask().GetAwaiter().GetResult();
    }
}
