namespace Tenfold.Gateway.Routing;

/// <summary>Looks into a raw query string.</summary>
internal static class QueryString
{
    /// <summary>Whether a parameter of this name is there, with this value unless that is null; names and values are compared decoded.</summary>
    public static bool Has(ReadOnlySpan<byte> query, ReadOnlySpan<byte> name, byte[]? value)
    {
        while (!query.IsEmpty)
        {
            var and = query.IndexOf((byte)'&');
            var pair = and < 0 ? query : query[..and];
            var equals = pair.IndexOf((byte)'=');
            var key = equals < 0 ? pair : pair[..equals];
            var text = equals < 0 ? default : pair[(equals + 1)..];
            if (Same(key, name) && (value is null || Same(text, value)))
            {
                return true;
            }

            query = and < 0 ? default : query[(and + 1)..];
        }

        return false;
    }

    private static bool Same(ReadOnlySpan<byte> encoded, ReadOnlySpan<byte> plain)
    {
        var i = 0;
        foreach (var expected in plain)
        {
            if (i >= encoded.Length)
            {
                return false;
            }

            var c = encoded[i];
            if (c == '+')
            {
                c = (byte)' ';
            }
            else if (c == '%' && i + 2 < encoded.Length && char.IsAsciiHexDigit((char)encoded[i + 1]) && char.IsAsciiHexDigit((char)encoded[i + 2]))
            {
                c = Convert.FromHexString(System.Text.Encoding.ASCII.GetString(encoded.Slice(i + 1, 2)))[0];
                i += 2;
            }

            if (c != expected)
            {
                return false;
            }

            i++;
        }

        return i == encoded.Length;
    }
}
