namespace Tenfold.Redis.Protocol;

/// <summary>What came is not RESP3, or is over a limit. The connection cannot be used any further.</summary>
internal sealed class RespException : RedisException
{
    public RespException(string message)
        : base(message)
    {
    }
}
