using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Tenfold.RateLimiting.Headers;

/// <summary>
/// Header fields and problem document of the IETF draft "RateLimit header fields for HTTP" (draft-ietf-httpapi-ratelimit-headers).
/// </summary>
public static class RateLimitFields
{
    public const string RateLimit = "RateLimit";

    public const string RateLimitPolicy = "RateLimit-Policy";

    public const string RetryAfter = "Retry-After";

    /// <summary>Type of the problem document (RFC 9457) that a refusal carries.</summary>
    public const string ProblemType = "https://iana.org/assignments/http-problem-types#quota-exceeded";

    public const string ProblemTitle = "Request cannot be satisfied as assigned quota has been exceeded";

    /// <summary><c>"per-client";r=50;t=30</c>, one item a limit: requests left, and seconds until the quota is whole again, or, when there is none left, until the next one.</summary>
    public static string RateLimitValue(RateLimitDecision decision) => Text(decision, static (decision, into) => WriteRateLimit(decision, into));

    /// <summary><c>"per-client";q=100;w=900</c>, one item a limit: requests in so many seconds.</summary>
    public static string PolicyValue(RateLimitDecision decision)
    {
        ArgumentNullException.ThrowIfNull(decision);
        return decision.Quotas.Count == 1 ? decision.Quotas[0].Quota.Policy : string.Join(", ", decision.Quotas.Select(quota => quota.Quota.Policy));
    }

    /// <summary>Whole seconds of <c>Retry-After</c>, at least 1: whoever waits so long is not too early.</summary>
    public static long RetryAfterSeconds(RateLimitDecision decision)
    {
        ArgumentNullException.ThrowIfNull(decision);
        return Math.Max(1, Seconds(decision.RetryAfter));
    }

    /// <summary>What happened and what to do, for a person.</summary>
    public static string Detail(RateLimitDecision decision)
    {
        ArgumentNullException.ThrowIfNull(decision);
        var over = decision.Quotas.Where(quota => quota.RetryAfter > TimeSpan.Zero)
            .Select(quota => $"'{quota.Quota.Name}' allows {quota.Quota.Limit.ToString(CultureInfo.InvariantCulture)} requests in {Guide.Duration.Format(quota.Quota.Period)}");
        return $"Too many requests: {string.Join(", and ", over)}. Try again in {RetryAfterSeconds(decision).ToString(CultureInfo.InvariantCulture)} s.";
    }

    /// <summary>Names of the limits that refuse, as <c>violated-policies</c> of the problem document lists them.</summary>
    public static IEnumerable<string> ViolatedPolicies(RateLimitDecision decision)
    {
        ArgumentNullException.ThrowIfNull(decision);
        return decision.Quotas.Where(quota => quota.RetryAfter > TimeSpan.Zero).Select(quota => quota.Quota.Name);
    }

    /// <summary>The problem document as UTF-8 JSON.</summary>
    public static byte[] Problem(RateLimitDecision decision) => Encoding.UTF8.GetBytes(
        // Names and durations hold nothing that JSON would escape.
        $$"""{"type":"{{ProblemType}}","title":"{{ProblemTitle}}","status":429,"detail":"{{Detail(decision)}}","violated-policies":[{{string.Join(',', ViolatedPolicies(decision).Select(name => $"\"{name}\""))}}]}""");

    /// <summary>Bytes that <see cref="WriteLines"/> writes at most.</summary>
    public static int MaxLinesLength(RateLimitDecision decision)
    {
        ArgumentNullException.ThrowIfNull(decision);
        return 128 + (256 * decision.Quotas.Count);
    }

    /// <summary>Writes the header lines of an answer, each ended by CR LF; <c>Retry-After</c> too when it is refused. Does not allocate.</summary>
    /// <returns>Bytes written.</returns>
    public static int WriteLines(RateLimitDecision decision, Span<byte> into)
    {
        ArgumentNullException.ThrowIfNull(decision);
        var length = Append(into, 0, "RateLimit-Policy: "u8);
        for (var i = 0; i < decision.Quotas.Count; i++)
        {
            length = i == 0 ? length : Append(into, length, ", "u8);
            length += Encoding.ASCII.GetBytes(decision.Quotas[i].Quota.Policy, into[length..]);
        }

        length = Append(into, length, "\r\nRateLimit: "u8);
        length += WriteRateLimit(decision, into[length..]);
        if (!decision.IsAllowed)
        {
            length = Append(into, length, "\r\nRetry-After: "u8);
            length = Append(into, length, RetryAfterSeconds(decision));
        }

        return Append(into, length, "\r\n"u8);
    }

    private static int WriteRateLimit(RateLimitDecision decision, Span<byte> into)
    {
        var length = 0;
        for (var i = 0; i < decision.Quotas.Count; i++)
        {
            var quota = decision.Quotas[i];
            length = Append(into, length, i == 0 ? "\""u8 : ", \""u8);
            length += Encoding.ASCII.GetBytes(quota.Quota.Name, into[length..]);
            length = Append(into, length, "\";r="u8);
            length = Append(into, length, quota.Remaining);
            length = Append(into, length, ";t="u8);
            length = Append(into, length, Seconds(quota.RetryAfter > TimeSpan.Zero ? quota.RetryAfter : quota.Reset));
        }

        return length;
    }

    private static string Text(RateLimitDecision decision, Func<RateLimitDecision, byte[], int> write)
    {
        ArgumentNullException.ThrowIfNull(decision);
        var bytes = new byte[MaxLinesLength(decision)];
        return Encoding.ASCII.GetString(bytes, 0, write(decision, bytes));
    }

    private static long Seconds(TimeSpan time) => (time.Ticks + TimeSpan.TicksPerSecond - 1) / TimeSpan.TicksPerSecond;

    private static int Append(Span<byte> into, int at, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(into[at..]);
        return at + bytes.Length;
    }

    private static int Append(Span<byte> into, int at, long number)
    {
        Utf8Formatter.TryFormat(number, into[at..], out var written);
        return at + written;
    }
}
