using Tenfold.Redis.Connections;
using Tenfold.Redis.Protocol;

namespace Tenfold.Redis.Scripts;

/// <summary>EVALSHA, and EVAL for a server that does not know the script.</summary>
internal static class Evaluation
{
    private static ReadOnlySpan<byte> ByName => "$7\r\nEVALSHA\r\n$40\r\n"u8;

    public static void Write(CommandBuffer into, RedisScript script, ReadOnlySpan<RedisKey> keys, ReadOnlySpan<RedisArgument> arguments)
    {
        into.WriteHeader(3 + keys.Length + arguments.Length);
        into.WriteRaw(ByName);
        into.WriteRaw(script.ShaBytes);
        into.WriteRaw("\r\n"u8);
        into.Write(keys.Length);
        foreach (ref readonly var key in keys)
        {
            into.Write(new RedisArgument(key));
        }

        foreach (ref readonly var argument in arguments)
        {
            into.Write(argument);
        }
    }

    /// <summary>Puts the script's text where its name stood.</summary>
    public static void SendInFull(Operation operation)
    {
        var old = operation.Command!;
        var script = operation.Script!;
        var words = old.Span.IndexOf((byte)'\n') + 1;
        var full = new CommandBuffer(old.Count + script.Body.Length + 64);
        full.WriteRaw(old.Span[..words]);
        full.WriteRaw("$4\r\nEVAL\r\n"u8);
        full.Write(script.Body);
        full.WriteRaw(old.Span[(words + ByName.Length + script.ShaBytes.Length + 2)..]);
        operation.Command = full;
        operation.Script = null; // once is enough
        operation.BeginAgain();
        old.Release();
    }
}
