using Tenfold.Wire.Http1;

namespace Tenfold.Gateway.Forwarding;

/// <summary>Reads <c>X-Forwarded-For</c>, which counts only from a client that is believed.</summary>
internal static class ForwardedFor
{
    /// <summary>The last entry: who came to the proxy that all requests here come from. Empty for none.</summary>
    public static ReadOnlySpan<byte> Last(RequestHead request)
    {
        ReadOnlySpan<byte> last = default;
        foreach (ref readonly var field in request.Fields)
        {
            if (field.Known == KnownHeader.XForwardedFor)
            {
                var list = field.Value(request.Bytes);
                last = list[(list.LastIndexOf((byte)',') + 1)..].Trim(" \t"u8);
            }
        }

        return last;
    }
}
