using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Tenfold.Jobs.Outbox;

/// <summary>Signatures of the Standard Webhooks specification, 1.0: HMAC-SHA256 of <c>id.timestamp.body</c>.</summary>
internal static class WebhookSignature
{
    private const string Prefix = "whsec_";
    private const int Shortest = 24; // bytes
    private const int Longest = 64;

    /// <exception cref="ArgumentException">It is no key; the message does not tell what it is.</exception>
    public static void Check(string name, string secret)
    {
        var keys = Keys(secret);
        if (keys.Count == 0 || keys.Any(key => key is not { Length: >= Shortest and <= Longest }))
        {
            throw new ArgumentException($"the webhook secret '{name}' is no key: expected whsec_ and base64 of {Shortest} to {Longest} bytes, or several of these with spaces between them", nameof(secret));
        }
    }

    /// <summary>What the header <c>webhook-signature</c> says: one signature a key.</summary>
    public static string Of(string secret, string id, long timestamp, ReadOnlySpan<byte> body)
    {
        byte[] signed = [.. Encoding.UTF8.GetBytes($"{id}.{timestamp.ToString(CultureInfo.InvariantCulture)}."), .. body];
        return string.Join(' ', Keys(secret).Select(key => $"v1,{Convert.ToBase64String(HMACSHA256.HashData(key!, signed))}"));
    }

    private static List<byte[]?> Keys(string secret) => [.. secret.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Key)];

    private static byte[]? Key(string text)
    {
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text.StartsWith(Prefix, StringComparison.Ordinal) ? text[Prefix.Length..] : text, bytes, out var length) ? bytes[..length] : null;
    }
}
