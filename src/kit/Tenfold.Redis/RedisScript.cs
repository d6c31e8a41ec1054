using System.Security.Cryptography;
using System.Text;

namespace Tenfold.Redis;

/// <summary>A Lua script, sent by its SHA-1 and in full only to a server that does not know it. Immutable; make it once and keep it.</summary>
public sealed class RedisScript
{
    public RedisScript(string text)
    {
        ArgumentException.ThrowIfNullOrEmpty(text);
        Text = text;
        Body = Encoding.UTF8.GetBytes(text);
#pragma warning disable CA5350 // Redis names scripts by SHA-1.
        Sha = Convert.ToHexStringLower(SHA1.HashData(Body));
#pragma warning restore CA5350
        ShaBytes = Encoding.ASCII.GetBytes(Sha);
    }

    public string Text { get; }

    /// <summary>The name that Redis gives it: SHA-1 in lower-case hexadecimal.</summary>
    public string Sha { get; }

    internal byte[] Body { get; }

    internal byte[] ShaBytes { get; }
}
