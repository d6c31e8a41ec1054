namespace Tenfold.Redis;

/// <summary>Everything that this library throws about Redis; misuse is an <see cref="ArgumentException"/> or <see cref="InvalidOperationException"/>.</summary>
public class RedisException : Exception
{
    public RedisException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

/// <summary>Redis answered with an error: the command was received and refused or failed.</summary>
public sealed class RedisServerException : RedisException
{
    public RedisServerException(string message)
        : base(message)
    {
        var end = message.AsSpan().IndexOf(' ');
        Code = end < 0 ? message : message[..end];
    }

    /// <summary>The first word of the error, such as <c>WRONGTYPE</c>, <c>OOM</c> or <c>ERR</c>.</summary>
    public string Code { get; }
}

/// <summary>No answer came: there is no connection, or it was lost while the answer was awaited.</summary>
public class RedisConnectionException : RedisException
{
    public RedisConnectionException(string message, bool mayHaveExecuted, Exception? inner = null)
        : base(message, inner) => MayHaveExecuted = mayHaveExecuted;

    /// <summary>
    /// False: no byte of the command was handed to the network, so sending it again is always safe. True: it may have been
    /// executed once.
    /// </summary>
    public bool MayHaveExecuted { get; }
}

/// <summary>The answer did not come within <see cref="RedisOptions.CommandTimeout"/>.</summary>
public sealed class RedisTimeoutException : RedisConnectionException
{
    public RedisTimeoutException(string message, bool mayHaveExecuted)
        : base(message, mayHaveExecuted)
    {
    }
}
