using System.Text;
using Tenfold.TestSupport;

namespace Tenfold.Redis.Tests.Support;

/// <summary>One plain server for the tests of a class that do not break it.</summary>
public sealed class ServerFixture : IAsyncLifetime
{
    internal RedisServer Server { get; private set; } = null!;

    internal RedisClient Client { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Server = await RedisServer.StartAsync();
        Client = new RedisClient(Patient.Options(Server.Url));
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Server.DisposeAsync();
    }
}

internal static class Patient
{
    /// <summary>Waits long for connections and answers: the machine may be busy with other tests.</summary>
    public static RedisOptions Options(string url) => RedisOptions.Parse(url) with
    {
        ConnectTimeout = Eventually.Patience, ConnectWait = Eventually.Patience, CommandTimeout = Eventually.Patience, StuckAfter = Eventually.Patience,
    };
}

internal static class Texts
{
    public static byte[] Utf8(this string text) => Encoding.UTF8.GetBytes(text);

    public static string? Utf8(this byte[]? bytes) => bytes is null ? null : Encoding.UTF8.GetString(bytes);
}

/// <summary>Waits for what another thread will bring about.</summary>
internal static class Eventually
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Asks again until it is so.</summary>
    public static async Task IsTrueAsync(Func<Task<bool>> condition, string what)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (!await condition())
        {
            Assert.False(limit.IsCancellationRequested, $"not within {Patience}: {what}");
            await Task.Delay(10, CancellationToken.None);
        }
    }

    public static Task IsTrueAsync(Func<bool> condition, string what) => IsTrueAsync(() => Task.FromResult(condition()), what);
}
