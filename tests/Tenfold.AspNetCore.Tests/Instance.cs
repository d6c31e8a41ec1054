using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;

namespace Tenfold.AspNetCore.Tests;

/// <summary>A small app on the kit, started on a free port or on the Unix socket that its settings name.</summary>
internal sealed class Instance : IAsyncDisposable
{
    /// <summary>Longest wait of a test for a signal: it only matters when the test fails.</summary>
    public static readonly TimeSpan Wait = TimeSpan.FromSeconds(60);

    private Instance(WebApplication app, HttpClient http) => (App, Http) = (app, http);

    public WebApplication App { get; }

    public HttpClient Http { get; }

    public static Task<Instance> StartAsync(Action<WebApplication>? map = null, Action<TenfoldOptions>? configure = null, params string[] settings) =>
        StartAsync(map, configure, before: null, settings);

    /// <param name="before">Middleware that stands before the kit's, as authentication does.</param>
    public static async Task<Instance> StartAsync(Action<WebApplication>? map, Action<TenfoldOptions>? configure, Action<WebApplication>? before, string[] settings)
    {
        var socket = Array.Find(settings, setting => setting.StartsWith("--TENFOLD_SOCKET=", StringComparison.Ordinal))?["--TENFOLD_SOCKET=".Length..];
        string[] where = socket is null ? ["--urls=http://127.0.0.1:0"] : [];
        var builder = WebApplication.CreateSlimBuilder([.. settings, .. where, "--Logging:LogLevel:Default=None"]);
        builder.AddTenfold(configure);
        var app = builder.Build();
        before?.Invoke(app);
        app.UseTenfold();
        map?.Invoke(app);
        try
        {
            await app.StartAsync();
        }
        catch
        {
            await app.DisposeAsync(); // its meters and connections would go on
            throw;
        }

        var http = socket is null ? new HttpClient { BaseAddress = new Uri(app.Urls.First()) } : Over(socket);
        http.Timeout = Wait;
        return new Instance(app, http);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await App.DisposeAsync();
    }

    private static HttpClient Over(string socket) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancel) =>
        {
            var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancel);
            return new NetworkStream(connection, ownsSocket: true);
        },
    })
    {
        BaseAddress = new Uri("http://instance"),
    };
}
