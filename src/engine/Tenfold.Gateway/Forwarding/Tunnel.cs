using System.Buffers;
using System.IO.Pipelines;
using Tenfold.Wire.Http1;

namespace Tenfold.Gateway.Forwarding;

/// <summary>Passes bytes both ways once client and instance have left HTTP (101), until one of them ends.</summary>
internal sealed class Tunnel(ClientExchange exchange, PipeReader input, PipeWriter output, Http1Connection upstream)
{
    private volatile bool _over;

    /// <summary>Runs until the instance has ended its side or either has gone.</summary>
    public async Task RunAsync()
    {
        await exchange.FlushAsync();
        var up = UpAsync();
        try
        {
            while (await upstream.ReadRawAsync() is { IsEmpty: false } piece)
            {
                output.Write(piece.Span);
                if (!await exchange.FlushAsync())
                {
                    break;
                }
            }
        }
        catch (Http1Exception)
        {
            // Ended by one side or from outside: a tunnel has no better end.
        }

        upstream.Abort();
        EndUp();
        await up;
    }

    /// <summary>Takes nothing more from the client and tells the instance so. Thread-safe.</summary>
    public void EndUp()
    {
        _over = true;
        input.CancelPendingRead();
    }

    private async Task UpAsync()
    {
        try
        {
            while (!_over)
            {
                var result = await input.ReadAsync();
                foreach (var piece in result.Buffer)
                {
                    await upstream.WriteAsync(piece);
                }

                input.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                {
                    break;
                }
            }

            upstream.EndWriting();
        }
        catch (Http1Exception)
        {
            // The instance has closed its ear; the other direction sees whether it still speaks.
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            upstream.Abort(); // the client has gone
        }
    }
}
