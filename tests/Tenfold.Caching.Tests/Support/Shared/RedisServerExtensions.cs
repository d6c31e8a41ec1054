using System.Net;
using System.Net.Sockets;
using System.Text;
using Tenfold.Redis;
using Tenfold.TestSupport;

namespace Tenfold.Caching.Tests.Support;

/// <summary>What tests of caches do with a Redis beside killing it.</summary>
internal static class RedisServerExtensions
{
    public static RedisOptions Options(this RedisServer redis) => RedisOptions.Parse(redis.Url) with { MaxBackoff = TimeSpan.FromMilliseconds(100) };

    /// <summary>A command over a connection of its own; the answer as Redis wrote it, its first 64 KiB at most.</summary>
    public static async Task<string> SendAsync(this RedisServer redis, string command)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, redis.Port);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.UTF8.GetBytes(command + "\r\nQUIT\r\n"));
        var buffer = new byte[64 << 10];
        var read = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false);
        return Encoding.UTF8.GetString(buffer, 0, read);
    }

    /// <summary>Forgets what was written to the disk. While it is killed.</summary>
    public static void Empty(this RedisServer redis)
    {
        Directory.Delete(redis.Folder, recursive: true);
        Directory.CreateDirectory(redis.Folder);
    }
}
