namespace Tenfold.Caching.Tests.Support;

/// <summary>For tests in which time does not matter: a busy machine must not look like a Redis that is away.</summary>
internal static class Patient
{
    public static CacheOptions Options(CacheOptions options) => options with
    {
        RedisTimeout = Wait.Most, PropagationBound = TimeSpan.FromSeconds(20), NodeTimeout = Wait.Most,
    };
}
