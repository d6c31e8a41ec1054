using System.Net;
using System.Net.Security;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Tenfold.Gateway.Tests.Support;
using Tenfold.Guide;

namespace Tenfold.Gateway.Tests.Http2;

public sealed class Http2Tests
{
    private static HttpClient ClientOf(TestGateway gateway, string scheme = "http") =>
        new(new SocketsHttpHandler { SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null } })
        {
            BaseAddress = new Uri($"{scheme}://127.0.0.1:{gateway.Port}"),
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Timeout = TimeSpan.FromSeconds(30),
        };

    [Fact]
    public async Task Clear_text_HTTP_2_by_prior_knowledge_shares_the_port_with_HTTP_1()
    {
        await using var app = await KestrelUpstream.StartAsync();
        await using var gateway = await TestGateway.StartAsync(upstreams: app.EndPoint);
        using var client = ClientOf(gateway);
        using var response = await client.GetAsync("/");
        Assert.Equal(HttpVersion.Version20, response.Version);
        Assert.Equal("hello", await response.Content.ReadAsStringAsync());
        Assert.Equal("hello", await gateway.Client.GetStringAsync("/"));
        var headers = await client.GetStringAsync("/headers");
        Assert.Contains($"Host: 127.0.0.1:{gateway.Port}", headers, StringComparison.Ordinal);
        Assert.Contains("X-Forwarded-For: 127.0.0.1", headers, StringComparison.Ordinal);
        Assert.Contains("Via: 2 tenfold", headers, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_streams_and_large_bodies_pass_on_one_connection()
    {
        await using var app = await KestrelUpstream.StartAsync();
        await using var gateway = await TestGateway.StartAsync(upstreams: app.EndPoint);
        using var client = ClientOf(gateway);
        var body = new byte[300_000];
        new Random(1).NextBytes(body);
        await Task.WhenAll(Enumerable.Range(0, 30).Select(async i =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/echo") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new ByteArrayContent(body) };
            request.Headers.TransferEncodingChunked = i % 2 == 0; // no length is sent then
            using var response = await client.SendAsync(request);
            Assert.Equal(body, await response.Content.ReadAsByteArrayAsync());
        }));
    }

    [Fact]
    public async Task Trailers_of_the_instance_reach_the_client()
    {
        await using var upstream = RawUpstream.Answering(_ => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 7\r\n\r\n");
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        using var client = ClientOf(gateway);
        using var response = await client.GetAsync("/");
        Assert.Equal("hi", await response.Content.ReadAsStringAsync());
        Assert.Equal("7", response.TrailingHeaders.GetValues("X-Sum").Single());
    }

    [Fact]
    public async Task No_route_no_instance_and_traversal_are_problem_documents_here_too()
    {
        await using var gateway = await TestGateway.StartAsync(new GatewaySection { Routes = [new Route { Path = PathPattern.Parse("/api/**"), Service = "api" }] });
        using var client = ClientOf(gateway);
        using var none = await client.GetAsync("/nowhere");
        Assert.Equal((HttpStatusCode.NotFound, "application/problem+json"), (none.StatusCode, none.Content.Headers.ContentType!.MediaType));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await client.GetAsync("/api/x")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await client.GetAsync("/api/a%2f..%2fb")).StatusCode);
    }

    [Fact]
    public async Task A_path_with_a_space_cannot_write_its_own_request_line()
    {
        var seen = 0;
        await using var upstream = RawUpstream.Answering(_ => RawUpstream.Ok($"{Interlocked.Increment(ref seen)}"));
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        using var peer = await gateway.ConnectAsync();
        const string Path = "/public HTTP/1.1";
        // HPACK: GET, http, :authority and :path as literals.
        var head = $"\u0082\u0086\u0001\u0001a\u0004{(char)Path.Length}{Path}";
        await peer.SendAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\0\0\0\x04\0\0\0\0\0" + $"\0\0{(char)head.Length}\x01\x05\0\0\0\x01{head}");
        Assert.NotNull(await peer.ReadUntilAsync("\"status\":400"));
        Assert.Equal(0, seen);
    }

    [Theory]
    [InlineData("x: a\r\n\r\nGET /smuggled HTTP/1.1\r\nhost", "a")]
    [InlineData("x: a\r\ny", "b")]
    [InlineData("x: a", "b")]
    [InlineData("x ", "b")]
    [InlineData("x", "a\r\ny: b")]
    [InlineData("x", "a\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a")]
    [InlineData("x", "a\nb")]
    [InlineData("x", "a\0b")]
    public async Task A_header_cannot_write_another_one_nor_another_request(string name, string value)
    {
        var seen = 0;
        await using var upstream = RawUpstream.Answering(_ => RawUpstream.Ok($"{Interlocked.Increment(ref seen)}"));
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        using var peer = await gateway.ConnectAsync();
        // HPACK: GET, http, :authority, the path / and a header, whose name and value are literals.
        var head = $"\u0082\u0086\u0084\u0001\u0001a\0{(char)name.Length}{name}{(char)value.Length}{value}";
        await peer.SendAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\0\0\0\x04\0\0\0\0\0" + $"\0\0{(char)head.Length}\x01\x05\0\0\0\x01{head}");
        var answer = "";
        // The gateway says 400; Kestrel, which sees some of these itself, resets the stream or ends the connection.
        while (!answer.Contains("\"status\":400", StringComparison.Ordinal) && !answer.Contains("\0\0\x04\x03\0\0\0\0\x01", StringComparison.Ordinal) && await peer.ReadAsync(1) is { Length: > 0 } more)
        {
            answer += more;
        }

        Assert.Equal(0, seen);
    }

    [Fact]
    public async Task Header_values_beyond_ASCII_and_long_methods_pass()
    {
        await using var upstream = RawUpstream.Answering(request => RawUpstream.Ok(request.Split(' ')[0], "X-Name: \xc3\xbc\r\n"));
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        using var client = ClientOf(gateway);
        var method = new string('M', 4000);
        using var request = new HttpRequestMessage(new HttpMethod(method), "/") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var response = await client.SendAsync(request);
        Assert.Equal("\xc3\xbc", response.Headers.GetValues("X-Name").Single());
        Assert.Equal(method, await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task An_instance_that_dies_is_survived_and_an_endless_wait_is_504()
    {
        await using var dying = new RawUpstream(async peer => await peer.ReadRequestAsync());
        await using var alive = RawUpstream.Answering(_ => RawUpstream.Ok("x"));
        await using var gateway = await TestGateway.StartAsync(new GatewaySection { Routes = [TestGateway.Everything with { Balance = Balance.RoundRobin }] }, upstreams: [dying.EndPoint, alive.EndPoint]);
        using var client = ClientOf(gateway);
        Assert.Equal("x", await client.GetStringAsync("/"));
        Assert.Equal("x", await client.GetStringAsync("/"));
        await using var mute = new RawUpstream(async peer => await peer.ReadToEndAsync());
        await using var late = await TestGateway.StartAsync(new GatewaySection { Routes = [TestGateway.Everything with { Timeout = TimeSpan.FromMilliseconds(200) }] }, upstreams: mute.EndPoint);
        using var lateClient = ClientOf(late);
        Assert.Equal(HttpStatusCode.GatewayTimeout, (await lateClient.GetAsync("/")).StatusCode);
    }

    [Fact]
    public async Task A_websocket_over_HTTP_2_becomes_an_upgrade_at_the_instance()
    {
        await using var app = await KestrelUpstream.StartAsync();
        await using var gateway = await TestGateway.StartAsync(upstreams: app.EndPoint);
        using var invoker = new HttpMessageInvoker(new SocketsHttpHandler());
        using var socket = new ClientWebSocket();
        socket.Options.HttpVersion = HttpVersion.Version20;
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{gateway.Port}/ws"), invoker, CancellationToken.None);
        var buffer = new byte[1000];
        for (var i = 0; i < 5; i++)
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes($"message {i}"), WebSocketMessageType.Text, true, CancellationToken.None);
            var got = await socket.ReceiveAsync(buffer, CancellationToken.None);
            Assert.Equal($"message {i}", Encoding.UTF8.GetString(buffer, 0, got.Count));
        }

        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", CancellationToken.None);
    }

    [Fact]
    public async Task An_instance_that_does_not_upgrade_does_not_look_like_an_open_websocket_and_is_not_blamed()
    {
        await using var upstream = RawUpstream.Answering(_ => RawUpstream.Ok("no websocket"));
        await using var gateway = await TestGateway.StartAsync(upstreams: upstream.EndPoint);
        using var client = ClientOf(gateway);
        using var request = new HttpRequestMessage(HttpMethod.Connect, "/") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.Protocol = "websocket";
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal(0, gateway.Server.Snapshot().Instances[0].Failures);
    }

    private static async Task<TestGateway> StartTlsAsync(EndPoint upstream)
    {
        var folder = Directory.CreateTempSubdirectory("gw-tls-");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "cert.pem"), certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "key.pem"), key.ExportPkcs8PrivateKeyPem());
        var gateway = await TestGateway.StartAsync(new GatewaySection { Tls = new Tls { Certificate = "cert.pem", Key = "key.pem" } }, folder: folder.FullName, upstreams: upstream);
        folder.Delete(true);
        return gateway;
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task A_client_that_breaks_off_an_answer_over_TLS_is_counted(string version)
    {
        await using var upstream = new RawUpstream(async peer =>
        {
            await peer.ReadRequestAsync();
            await peer.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
            var piece = new byte[65536];
            while (true)
            {
                await peer.Socket.SendAsync(piece);
            }
        });
        await using var gateway = await StartTlsAsync(upstream.EndPoint);
        using (var client = ClientOf(gateway, "https"))
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/") { Version = Version.Parse(version), VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            await using var body = await response.Content.ReadAsStreamAsync();
            await body.ReadExactlyAsync(new byte[100_000]);
        }

        await gateway.UntilAsync(now => now.Total.ByClass[0] == 1 && now.Instances[0].InFlight == 0);
    }

    [Fact]
    public async Task With_TLS_both_versions_are_chosen_by_ALPN_and_instances_are_told_https()
    {
        await using var app = await KestrelUpstream.StartAsync();
        await using var gateway = await StartTlsAsync(app.EndPoint);
        using var client = ClientOf(gateway, "https");
        Assert.Contains("X-Forwarded-Proto: https", await client.GetStringAsync("/headers"), StringComparison.Ordinal);
        using var old = new HttpRequestMessage(HttpMethod.Get, "/headers") { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var response = await client.SendAsync(old);
        Assert.Equal(HttpVersion.Version11, response.Version);
        Assert.Contains("X-Forwarded-Proto: https", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }
}
