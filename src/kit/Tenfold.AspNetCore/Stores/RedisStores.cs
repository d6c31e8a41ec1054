using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tenfold.Redis;

namespace Tenfold.AspNetCore.Stores;

/// <summary>One <see cref="RedisClient"/> for every Redis among the connection strings, keyed by the store's name; a single one is also unkeyed.</summary>
internal static class RedisStores
{
    /// <returns>Names of the Redis stores.</returns>
    public static IReadOnlyList<string> Add(IServiceCollection services, IConfiguration configuration)
    {
        var names = new List<string>();
        foreach (var entry in configuration.GetSection("ConnectionStrings").GetChildren())
        {
            if (entry.Value is not { Length: > 0 } text || !text.StartsWith("redis", StringComparison.OrdinalIgnoreCase) || !text.Contains("://", StringComparison.Ordinal))
            {
                continue;
            }

            // Read now, so that a string that makes no sense stops the start.
            var options = RedisOptions.Parse(text);
            services.AddKeyedSingleton(entry.Key, (provider, _) => new RedisClient(options, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILoggerFactory>()));
            names.Add(entry.Key);
        }

        if (names is [var only])
        {
            services.AddSingleton(provider => provider.GetRequiredKeyedService<RedisClient>(only));
        }

        return names;
    }
}
