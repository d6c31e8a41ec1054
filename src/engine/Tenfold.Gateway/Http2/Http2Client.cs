using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Tenfold.Gateway.Forwarding;
using Tenfold.Guide;
using Tenfold.Wire.Http1;

namespace Tenfold.Gateway.Http2;

/// <summary>One HTTP/2 stream, read and written through Kestrel.</summary>
internal sealed class Http2Client : ClientExchange, IDisposable
{
    private readonly IFeatureCollection _features;
    private readonly IHttpResponseFeature _response;
    private readonly IHttpRequestLifetimeFeature _lifetime;
    private readonly GatewayLimits _limits;
    private readonly CancellationTokenRegistration _gone;
    private readonly HeaderTable _trailers = new();
    private byte[] _trailerBytes = [];
    private PipeReader _input;
    private PipeWriter _output;
    private ClientException? _stopped;
    private long _read;
    private bool _bodyLeft;

    public Http2Client(IFeatureCollection features, ClientAddress client, GatewayLimits limits)
        : base(client)
    {
        _features = features;
        _limits = limits;
        _response = features.GetRequiredFeature<IHttpResponseFeature>();
        _lifetime = features.GetRequiredFeature<IHttpRequestLifetimeFeature>();
        _output = features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer;
        _input = features.GetRequiredFeature<IRequestBodyPipeFeature>().Reader;
        _gone = _lifetime.RequestAborted.UnsafeRegister(static self => ((Http2Client)self!).End(Ending.ClientGone), this);
    }

    public override bool BodyLeft => _bodyLeft;

    public override HeaderTable? Trailers => _trailers;

    public override ReadOnlySpan<byte> TrailerBytes => _trailerBytes;

    public override bool TakesSuccessForSwitch => Connect is not null;

    public override bool TakesInterim => false; // Kestrel has no way to send them on HTTP/2

    private IHttpExtendedConnectFeature? Connect => _features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } connect ? connect : null;

    /// <summary>Reads the head. Status and reason of the refusal, or 0.</summary>
    public (int Status, string Detail) ReadHead()
    {
        var canHaveBody = _features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? false;
        var refusal = Http2Request.Read(_features.GetRequiredFeature<IHttpRequestFeature>(), Connect, canHaveBody, Request);
        _bodyLeft = Request.HasBody;
        return refusal;
    }

    public override async ValueTask<int> ReadBodyAsync(Memory<byte> into)
    {
        while (_bodyLeft)
        {
            if (Volatile.Read(ref _stopped) is { } why)
            {
                throw why;
            }

            ReadResult result;
            try
            {
                result = await _input.ReadAsync();
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or BadHttpRequestException)
            {
                throw new ClientException((e as BadHttpRequestException)?.StatusCode ?? 0, e.Message);
            }

            var n = (int)Math.Min(result.Buffer.Length, into.Length);
            var piece = result.Buffer.Slice(0, n);
            piece.CopyTo(into.Span);
            _input.AdvanceTo(piece.End);
            _read += n;
            if (_read > _limits.Body.Bytes)
            {
                throw new ClientException(413, $"The request body is over the limit of {_limits.Body.Bytes} bytes.");
            }

            if (n > 0)
            {
                return n;
            }

            if (result.IsCompleted)
            {
                _bodyLeft = false;
                ReadTrailers();
            }
        }

        return 0;
    }

    public override void StopBody() => Stop(new ClientException(0, "The answer is complete."));

    public override void WriteHead(ResponseHead head)
    {
        Started = true;
        _response.StatusCode = head.Status == 101 ? 200 : head.Status;
        foreach (ref readonly var field in head.Fields)
        {
            if (Passes(head, field))
            {
                var name = Encoding.ASCII.GetString(field.Name(head.Bytes));
                _response.Headers.Append(name, Encoding.Latin1.GetString(field.Value(head.Bytes)));
            }
        }

        WriteAdded();
        if (head.ContentLength >= 0 && head.Status is not (204 or 101) && head.Framing is BodyFraming.None or BodyFraming.Length)
        {
            _response.Headers.ContentLength = head.ContentLength;
        }
    }

    public override void WriteBody(ReadOnlySpan<byte> piece) => _output.Write(piece);

    public override void WriteEnd(HeaderTable trailers, ReadOnlySpan<byte> bytes)
    {
        if (trailers.Count == 0 || _features.Get<IHttpResponseTrailersFeature>() is not { } feature)
        {
            return;
        }

        foreach (ref readonly var field in trailers.Fields)
        {
            if (TrailerLines.Passes(field, bytes))
            {
                feature.Trailers.Append(Encoding.ASCII.GetString(field.Name(bytes)), Encoding.Latin1.GetString(field.Value(bytes)));
            }
        }
    }

    public override async ValueTask<bool> FlushAsync()
    {
        try
        {
            var result = await _output.FlushAsync();
            return !result.IsCompleted && Ending is Ending.None or Ending.FirstByteTimeout;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            return false;
        }
    }

    public override async ValueTask RespondAsync(int status, string contentType, ReadOnlyMemory<byte> body, IReadOnlyList<(string Name, string Value)>? more = null)
    {
        Started = true;
        _response.StatusCode = status;
        _response.Headers.ContentType = contentType;
        _response.Headers.CacheControl = "no-store";
        _response.Headers.ContentLength = body.Length;
        _response.Headers.RetryAfter = status == 503 ? "1" : default;
        foreach (var (name, value) in more ?? [])
        {
            _response.Headers[name] = value;
        }

        WriteAdded();

        if (!Request.IsHead)
        {
            _output.Write(body.Span);
        }

        await FlushAsync();
    }

    public override async ValueTask TunnelAsync(Http1Connection upstream)
    {
        if (Connect is not { } connect)
        {
            Abort(); // 101 to a request that had not asked for it
            return;
        }

        await using var stream = await connect.AcceptAsync();
        (_input, _output) = (PipeReader.Create(stream), PipeWriter.Create(stream));
        await new Tunnel(this, _input, _output, upstream).RunAsync();
    }

    public override void Abort() => _lifetime.Abort();

    protected override void OnEnded(Ending why)
    {
        Stop(LateBody(why));
        if (why is Ending.Timeout or Ending.InstanceGone && Started)
        {
            Abort();
        }
    }

    public void Dispose() => _gone.Dispose();

    private void WriteAdded()
    {
        foreach (var line in AddedLines.IsEmpty ? [] : Encoding.ASCII.GetString(AddedLines).Split("\r\n", StringSplitOptions.RemoveEmptyEntries))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            _response.Headers.Append(line[..colon], line[(colon + 2)..]);
        }
    }

    private void Stop(ClientException why)
    {
        Volatile.Write(ref _stopped, why);
        try
        {
            _input.CancelPendingRead();
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The stream has been reset or is over: nobody reads from it.
        }
    }

    private void ReadTrailers()
    {
        if (_features.Get<IHttpRequestTrailersFeature>() is not { Available: true } feature || feature.Trailers.Count == 0)
        {
            return;
        }

        var text = string.Concat(feature.Trailers.Select(trailer => $"{trailer.Key}: {trailer.Value}\r\n")) + "\r\n";
        _trailerBytes = Encoding.UTF8.GetBytes(text);
        if (HeadParser.ParseFields(_trailerBytes, 0, _trailers) is { } wrong)
        {
            throw new ClientException(400, $"The trailers have {wrong}.");
        }
    }

    private static bool Passes(ResponseHead head, in HeaderField field) => field.Known switch
    {
        KnownHeader.Connection or KnownHeader.KeepAlive or KnownHeader.ProxyConnection or KnownHeader.TransferEncoding
            or KnownHeader.ContentLength or KnownHeader.Upgrade or KnownHeader.Te => false,
        _ => !(head.Status == 101 && HeaderNames.Is(field.Name(head.Bytes), "sec-websocket-accept"u8)) && !HopByHop.IsListed(head.Fields, head.Bytes, field),
    };
}
