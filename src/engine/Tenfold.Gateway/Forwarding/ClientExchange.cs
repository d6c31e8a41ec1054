using Tenfold.Wire.Http1;

namespace Tenfold.Gateway.Forwarding;

/// <summary>Why a request is ended from outside.</summary>
internal enum Ending
{
    None,
    FirstByteTimeout,
    Timeout,
    ClientGone,
    InstanceGone,
}

/// <summary>The client's fault: what to answer, if an answer is still possible.</summary>
internal sealed class ClientException(int status, string detail) : IOException(detail)
{
    /// <summary>0 when the client has gone away.</summary>
    public int Status { get; } = status;
}

/// <summary>
/// One request as a client sent it and the way its answer goes back, whichever version of HTTP the client speaks. It also
/// holds the deadline, and the upstream connection that must die when the request is ended from outside.
/// </summary>
internal abstract class ClientExchange(ClientAddress client)
{
    private Http1Connection? _upstream;
    private long _deadline = long.MaxValue;
    private int _late;
    private int _ending;

    public ClientAddress Client { get; } = client;

    public RequestHead Request { get; } = new();

    public Flight Flight { get; } = new();

    /// <summary>Head for the instance, and the body behind it when that is small.</summary>
    public byte[] Outgoing = [];

    private byte[] _added = [];
    private int _addedLength;

    /// <summary>Header lines that the gateway adds to the answer, each ended by CR LF.</summary>
    public ReadOnlySpan<byte> AddedLines => _added.AsSpan(0, _addedLength);

    /// <summary>Lets <paramref name="write"/> fill <see cref="AddedLines"/>; it is given at least <paramref name="most"/> bytes and returns how many it took.</summary>
    public void AddLines<T>(T what, int most, Func<T, byte[], int> write)
    {
        if (_added.Length < most)
        {
            _added = new byte[most];
        }

        _addedLength = write(what, _added);
    }

    /// <summary>Whether the head of the answer has been handed over.</summary>
    public bool Started { get; protected set; }

    public Ending Ending => (Ending)Volatile.Read(ref _ending);

    /// <summary>Whether the request has a body that has not been read to its end.</summary>
    public abstract bool BodyLeft { get; }

    /// <summary>Trailers of the request once its body has been read.</summary>
    public abstract HeaderTable? Trailers { get; }

    public abstract ReadOnlySpan<byte> TrailerBytes { get; }

    /// <summary>Whether an answer with 2xx would make the client believe that the protocol has been changed (RFC 8441).</summary>
    public virtual bool TakesSuccessForSwitch => false;

    /// <summary>Whether 1xx answers can be passed on.</summary>
    public abstract bool TakesInterim { get; }

    /// <summary>Tells a client that waits for it that its body is wanted. Before anything else is written.</summary>
    public virtual ValueTask InviteBodyAsync() => default;

    /// <summary>Reads some of the body, without its framing; 0 at its end.</summary>
    /// <exception cref="ClientException">It is malformed, too large or too slow, or the client has gone.</exception>
    public abstract ValueTask<int> ReadBodyAsync(Memory<byte> into);

    /// <summary>Makes a pending and every later <see cref="ReadBodyAsync"/> fail.</summary>
    public abstract void StopBody();

    /// <summary>Puts a head into the output: interim, final or 101.</summary>
    public abstract void WriteHead(ResponseHead head);

    /// <summary>Puts a piece of the body into the output.</summary>
    public abstract void WriteBody(ReadOnlySpan<byte> piece);

    /// <summary>Puts the end of the body, with its trailers, into the output.</summary>
    public abstract void WriteEnd(HeaderTable trailers, ReadOnlySpan<byte> bytes);

    /// <summary>Sends what is in the output; waits while the client is slow.</summary>
    /// <returns>False when the client has gone.</returns>
    public abstract ValueTask<bool> FlushAsync();

    /// <summary>Answers with something of the gateway's own.</summary>
    public abstract ValueTask RespondAsync(int status, string contentType, ReadOnlyMemory<byte> body, IReadOnlyList<(string Name, string Value)>? more = null);

    /// <summary>Answers with a problem document (RFC 9457) of the gateway's own.</summary>
    public ValueTask RefuseAsync(int status, string detail, IReadOnlyList<(string Name, string Value)>? more = null) =>
        RespondAsync(status, Problem.ContentType, Problem.Document(status, detail), more);

    /// <summary>Passes bytes both ways after 101 until one side ends.</summary>
    public abstract ValueTask TunnelAsync(Http1Connection upstream);

    /// <summary>Breaks the answer off so that the client cannot take it for complete.</summary>
    public abstract void Abort();

    /// <summary>What whoever still reads the body is told when the request is ended from outside.</summary>
    protected static ClientException LateBody(Ending why) =>
        why == Ending.ClientGone ? new ClientException(0, "The client has gone.") : new ClientException(408, "The request body was not complete within the time limit.");

    /// <summary>Called by <see cref="End"/>, from any thread.</summary>
    protected abstract void OnEnded(Ending why);

    /// <summary>Called every 100 ms, from any thread.</summary>
    public virtual void Tick(long now)
    {
        var deadline = Volatile.Read(ref _deadline);
        if (now >= deadline && Interlocked.CompareExchange(ref _deadline, long.MaxValue, deadline) == deadline)
        {
            End((Ending)Volatile.Read(ref _late));
        }
    }

    /// <summary>Ends the request at this time, for this reason.</summary>
    public void SetDeadline(long at, Ending late)
    {
        Volatile.Write(ref _late, (int)late);
        Volatile.Write(ref _deadline, at);
    }

    public void ClearDeadline() => Volatile.Write(ref _deadline, long.MaxValue);

    /// <summary>Makes the request fit for another try, or the exchange for another request; only a first-byte timeout is forgotten.</summary>
    public void ForgetFirstByteTimeout() => Interlocked.CompareExchange(ref _ending, (int)Ending.None, (int)Ending.FirstByteTimeout);

    /// <summary>Ties the connection to the request's fate.</summary>
    public void Attach(Http1Connection upstream)
    {
        Interlocked.Exchange(ref _upstream, upstream);
        if (Ending != Ending.None)
        {
            Interlocked.Exchange(ref _upstream, null)?.Abort();
        }
    }

    /// <summary>Takes it back; false when the request was ended meanwhile and the connection with it.</summary>
    public bool Detach() => Interlocked.Exchange(ref _upstream, null) is not null;

    /// <summary>Ends the request from outside: its upstream connection is closed, pending reads fail. Thread-safe.</summary>
    public void End(Ending why)
    {
        if (Interlocked.CompareExchange(ref _ending, (int)why, (int)Ending.None) is (int)Ending.None or (int)Ending.FirstByteTimeout)
        {
            Volatile.Write(ref _ending, (int)why);
            Interlocked.Exchange(ref _upstream, null)?.Abort();
            OnEnded(why);
        }
    }

    protected void ResetExchange()
    {
        Volatile.Write(ref _deadline, long.MaxValue);
        if (Ending != Ending.ClientGone)
        {
            Volatile.Write(ref _ending, (int)Ending.None);
        }

        (Started, _addedLength) = (false, 0);
    }
}
