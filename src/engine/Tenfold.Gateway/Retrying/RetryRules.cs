namespace Tenfold.Gateway.Retrying;

/// <summary>Which failures may be tried again elsewhere.</summary>
internal static class RetryRules
{
    /// <summary>Methods whose repetition means the same as doing it once (RFC 9110 section 9.2.2).</summary>
    public static bool IsIdempotent(string method) => method is "GET" or "HEAD" or "OPTIONS" or "PUT" or "DELETE" or "TRACE";

    /// <summary>Answers that say "not me, not now".</summary>
    public static bool IsRetryable(int status) => status is 502 or 503 or 504;
}
