namespace Tenfold.Wire.Http1;

/// <summary>What went wrong on an HTTP/1.1 connection.</summary>
public enum Http1Fault
{
    /// <summary>No connection could be opened: nothing was sent.</summary>
    Connect,

    /// <summary>The peer closed or reset the connection before the message was complete.</summary>
    Closed,

    /// <summary>The peer broke the rules of RFC 9112; its bytes cannot be trusted.</summary>
    Malformed,

    /// <summary>A head, a chunk line or a trailer section was larger than allowed.</summary>
    TooLarge,

    /// <summary>This side ended the connection with <see cref="Http1Connection.Abort"/>.</summary>
    Aborted,
}

/// <summary>The one exception of <see cref="Http1Connection"/>. The connection is of no further use.</summary>
public sealed class Http1Exception(Http1Fault fault, bool answered, string message, Exception? inner = null) : IOException(message, inner)
{
    /// <summary>What went wrong.</summary>
    public Http1Fault Fault { get; } = fault;

    /// <summary>Whether any byte of the current response had arrived.</summary>
    public bool Answered { get; } = answered;
}
