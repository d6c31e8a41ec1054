using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Rez.Tests.Files;

/// <summary>
/// Answers like an S3 service for one bucket, and checks what a real one would: each request's signature (AWS Signature Version 4), computed here from
/// the request as it came, and the hash of its body. It is no S3: what it was not taught is 501.
/// </summary>
internal sealed class S3Stub : IAsyncDisposable
{
    public const string Key = "AKIDEXAMPLE", Secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", Bucket = "shop-files";
    private readonly WebApplication _app;

    private S3Stub(WebApplication app) => _app = app;

    public ConcurrentDictionary<string, (byte[] Content, string Type)> Objects { get; } = new(StringComparer.Ordinal);

    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>When set, the answer to everything.</summary>
    public int? Refusal { get; set; }

    public string Url => _app.Urls.First();

    public static async Task<S3Stub> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        var stub = new S3Stub(builder.Build());
        stub._app.Run(stub.AnswerAsync);
        await stub._app.StartAsync();
        return stub;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        using var copy = new MemoryStream();
        await context.Request.Body.CopyToAsync(copy);
        var (request, response, body) = (context.Request, context.Response, copy.ToArray());
        Requests.Enqueue($"{request.Method} {request.Path}{request.QueryString}");
        if (Refusal is { } status)
        {
            await ErrorAsync(response, status, "Refused");
            return;
        }

        if (Signature(request, body) is { } wrong)
        {
            await ErrorAsync(response, 403, wrong);
            return;
        }

        var path = request.Path.Value!.Split('/', 3);
        var name = path.Length > 2 ? path[2] : "";
        if (path[1] != Bucket)
        {
            await ErrorAsync(response, 404, "NoSuchBucket");
        }
        else if (request.Method == "PUT")
        {
            Objects[name] = (body, request.ContentType!);
            response.Headers.ETag = Tag(body);
        }
        else if (request.Method == "DELETE")
        {
            Objects.TryRemove(name, out _);
            response.StatusCode = 204;
        }
        else if (request.Method == "GET" && name.Length == 0 && request.Query["list-type"] == "2")
        {
            await ListAsync(request, response);
        }
        else if (!Objects.TryGetValue(name, out var stored))
        {
            await ErrorAsync(response, 404, "NoSuchKey");
        }
        else if (request.Method is "GET" or "HEAD")
        {
            await SendAsync(request, response, stored);
        }
        else
        {
            await ErrorAsync(response, 501, "NotImplemented");
        }
    }

    private static async Task SendAsync(HttpRequest request, HttpResponse response, (byte[] Content, string Type) stored)
    {
        var content = stored.Content;
        if (request.Headers.IfMatch is [{ } wanted] && wanted != Tag(content))
        {
            await ErrorAsync(response, 412, "PreconditionFailed");
            return;
        }

        response.Headers.ETag = Tag(content);
        response.Headers.LastModified = "Sun, 01 Mar 2026 10:00:00 GMT";
        response.ContentType = stored.Type;
        if (request.Headers.Range is [{ } range])
        {
            var ends = range["bytes=".Length..].Split('-').Select(end => int.Parse(end, CultureInfo.InvariantCulture)).ToArray();
            response.StatusCode = 206;
            response.Headers.ContentRange = $"bytes {ends[0]}-{ends[1]}/{content.Length}";
            content = content[ends[0]..(ends[1] + 1)];
        }

        response.ContentLength = content.Length;
        if (request.Method == "GET")
        {
            await response.Body.WriteAsync(content);
        }
    }

    // Two a page, so that whoever lists has to go on.
    private async Task ListAsync(HttpRequest request, HttpResponse response)
    {
        var after = request.Query["continuation-token"].ToString();
        var found = Objects.Keys.Where(key => key.StartsWith(request.Query["prefix"].ToString(), StringComparison.Ordinal) && string.CompareOrdinal(key, after) > 0).Order(StringComparer.Ordinal).ToArray();
        var page = found.Take(2).ToArray();
        var xml = new StringBuilder("""<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">""").Append(CultureInfo.InvariantCulture, $"<Name>{Bucket}</Name><KeyCount>{page.Length}</KeyCount><IsTruncated>{(found.Length > 2 ? "true" : "false")}</IsTruncated>");
        foreach (var key in page)
        {
            xml.Append(CultureInfo.InvariantCulture, $"<Contents><Key>{key}</Key><Size>{Objects[key].Content.Length}</Size></Contents>");
        }

        xml.Append(found.Length > 2 ? $"<NextContinuationToken>{page[^1]}</NextContinuationToken>" : "").Append("</ListBucketResult>");
        response.ContentType = "application/xml";
        await response.WriteAsync(xml.ToString());
    }

    private static Task ErrorAsync(HttpResponse response, int status, string code)
    {
        response.StatusCode = status;
        response.ContentType = "application/xml";
        return response.HttpContext.Request.Method == "HEAD" ? Task.CompletedTask : response.WriteAsync($"<Error><Code>{code}</Code><Message>{code}</Message></Error>");
    }

    private static string Tag(byte[] content) => $"\"{Convert.ToHexStringLower(SHA256.HashData(content))[..32]}\"";

    /// <returns>What is wrong; null when it is right.</returns>
    private static string? Signature(HttpRequest request, byte[] body)
    {
        var hash = request.Headers["x-amz-content-sha256"].ToString();
        if (hash != Convert.ToHexStringLower(SHA256.HashData(body)))
        {
            return "XAmzContentSHA256Mismatch";
        }

        var authorization = request.Headers.Authorization.ToString();
        var parts = authorization["AWS4-HMAC-SHA256 ".Length..].Split(", ").Select(part => part.Split('=', 2)).ToDictionary(part => part[0], part => part[1], StringComparer.Ordinal);
        var scope = parts["Credential"].Split('/', 2);
        var signed = parts["SignedHeaders"].Split(';');
        if (scope[0] != Key || !signed.Contains("host") || !signed.Contains("x-amz-date") || !signed.Contains("x-amz-content-sha256"))
        {
            return "InvalidAccessKeyId";
        }

        var canonical = string.Join('\n', [
            request.Method,
            string.Join('/', request.Path.Value!.Split('/').Select(Uri.EscapeDataString)),
            string.Join('&', request.Query.Select(pair => $"{Uri.EscapeDataString(pair.Key)}={Uri.EscapeDataString(pair.Value.ToString())}").Order(StringComparer.Ordinal)),
            .. signed.Select(header => $"{header}:{(header == "host" ? (request.Host.Value ?? "") : request.Headers[header].ToString()).Trim()}"), "",
            parts["SignedHeaders"],
            hash,
        ]);
        var date = request.Headers["x-amz-date"].ToString();
        var toSign = $"AWS4-HMAC-SHA256\n{date}\n{scope[1]}\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}";
        var key = scope[1].Split('/').Aggregate(Encoding.UTF8.GetBytes("AWS4" + Secret), (above, part) => HMACSHA256.HashData(above, Encoding.UTF8.GetBytes(part)));
        return Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(toSign))) == parts["Signature"] ? null : "SignatureDoesNotMatch";
    }
}
