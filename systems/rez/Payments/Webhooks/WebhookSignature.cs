using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Rez.Payments.Webhooks;

/// <summary>Stripe's signatures of webhooks: <c>t=SECONDS,v1=HMAC</c>, with HMAC-SHA256 over the seconds, a dot and the body. There may be several <c>v1</c> while keys are changed.</summary>
internal static class WebhookSignature
{
    /// <summary>A signature is taken for so long, and no earlier than so long before now.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);

    private const int MostSignatures = 8;

    /// <summary>What is wrong with the header; null when it was made with the secret, for this body, a short time ago.</summary>
    public static string? Problem(string? header, ReadOnlySpan<byte> body, string secret, DateTimeOffset now)
    {
        if (string.IsNullOrEmpty(header))
        {
            return "the header Stripe-Signature is missing";
        }

        string? time = null;
        var signatures = new List<string>();
        foreach (var part in header.Split(',', MostSignatures, StringSplitOptions.TrimEntries))
        {
            if (part.StartsWith("t=", StringComparison.Ordinal))
            {
                time = part[2..];
            }
            else if (part.StartsWith("v1=", StringComparison.Ordinal))
            {
                signatures.Add(part[3..]);
            }
        }

        if (!long.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || signatures.Count == 0)
        {
            return "the header Stripe-Signature is not t=SECONDS,v1=SIGNATURE";
        }

        byte[] signed = [.. Encoding.UTF8.GetBytes(time + "."), .. body];
        var expected = Encoding.ASCII.GetBytes(Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), signed)));
        if (!signatures.Any(signature => CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(signature), expected)))
        {
            return "the signature is not of this body with this secret";
        }

        // After the signature: only who has the secret learns that the time was the problem.
        return Math.Abs(now.ToUnixTimeSeconds() - seconds) <= Tolerance.TotalSeconds ? null : $"it was signed more than {Tolerance.TotalMinutes:0} min from now";
    }
}
