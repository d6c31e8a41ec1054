using Tenfold.Redis.Protocol;

namespace Tenfold.Redis.Tracking;

/// <summary>
/// The read that a local copy may rest on: opted in to tracking, value and time to live read together, in one piece on one
/// connection, so that an invalidation always comes after it.
/// </summary>
internal static class TrackedRead
{
    /// <summary>Answers to CLIENT CACHING YES, MULTI, PTTL, GET and EXEC.</summary>
    public const int Answers = 5;

    private static ReadOnlySpan<byte> Begin => "*3\r\n$6\r\nCLIENT\r\n$7\r\nCACHING\r\n$3\r\nYES\r\n*1\r\n$5\r\nMULTI\r\n"u8;

    // With the opt-in inside: only so does a slot that is being imported track the key.
    private static ReadOnlySpan<byte> BeginAsking => "*1\r\n$6\r\nASKING\r\n*1\r\n$5\r\nMULTI\r\n*3\r\n$6\r\nCLIENT\r\n$7\r\nCACHING\r\n$3\r\nYES\r\n"u8;

    public static void Write(CommandBuffer into, ReadOnlySpan<byte> key, bool asking = false)
    {
        into.WriteRaw(asking ? BeginAsking : Begin);
        into.WriteRaw("*2\r\n$4\r\nPTTL\r\n"u8);
        into.Write(key);
        into.WriteRaw("*2\r\n$3\r\nGET\r\n"u8);
        into.Write(key);
        into.WriteRaw("*1\r\n$4\r\nEXEC\r\n"u8);
    }

    /// <summary>What EXEC answered; throws the server's error if there is one.</summary>
    public static TrackedValue Parse(RedisReply reply)
    {
        var items = reply.Items.Span;
        if (items.Length < 2)
        {
            reply.ThrowIfError();
            throw new RedisException($"A tracked read was answered with {reply}.");
        }

        items[^2].ThrowIfError();
        items[^1].ThrowIfError();
        var milliseconds = items[^2].Integer;
        return new TrackedValue(items[^1].Bytes, milliseconds < 0 ? null : TimeSpan.FromMilliseconds(milliseconds));
    }

    /// <summary>Tells the tracker, unless it is an error. In the reader's loop.</summary>
    public static void Report(IRedisTracker tracker, ReadOnlyMemory<byte> key, RedisReply reply)
    {
        var items = reply.Items.Span;
        if (items.Length < 2 || items[^1].IsError || items[^2].IsError)
        {
            return;
        }

        var (value, timeToLive) = Parse(reply);
        tracker.OnRead(key, value, timeToLive);
    }
}
