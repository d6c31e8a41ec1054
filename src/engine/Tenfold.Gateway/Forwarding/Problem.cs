using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Tenfold.Gateway.Forwarding;

/// <summary>Problem documents by RFC 9457.</summary>
internal static class Problem
{
    public const string ContentType = "application/problem+json";

    public static byte[] Document(int status, string detail) => Encoding.UTF8.GetBytes(
        $$"""{"type":"about:blank","title":"{{Title(status)}}","status":{{status}},"detail":"{{JsonEncodedText.Encode(detail, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}}"}""");

    public static string Title(int status) => status switch
    {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        417 => "Expectation Failed",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "Error",
    };
}
