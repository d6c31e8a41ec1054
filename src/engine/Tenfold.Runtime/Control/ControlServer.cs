using System.Globalization;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Tenfold.Runtime.Control;

/// <summary>
/// A small HTTP API over a Unix socket that only its owner may open: <c>GET /status</c>, <c>GET /metrics</c>,
/// <c>GET /databases</c>, <c>GET /decisions?after=NUMBER&amp;service=NAME</c>, <c>POST /restart?of=NAME</c>, <c>POST /scale?service=NAME&amp;count=N</c> (or <c>auto</c>), <c>POST /launch?service=NAME</c>, <c>POST /grow?store=NAME&amp;shards=N</c>,
/// <c>POST /stop</c>.
/// Operations answer a line of JSON for each step, and go on when the caller leaves.
/// </summary>
public sealed class ControlServer : IAsyncDisposable
{
    /// <summary>In place of a count: as the rules say.</summary>
    internal const string Auto = "auto";

    private readonly WebApplication _application;
    private readonly IControlTarget _target;
    private readonly string _socket;

    private ControlServer(WebApplication application, IControlTarget target, string socket) =>
        (_application, _target, _socket) = (application, target, socket);

    /// <summary>Listens on the socket; a file that is there already is replaced.</summary>
    /// <exception cref="RuntimeException">The socket cannot be made.</exception>
    public static async Task<ControlServer> StartAsync(string socket, IControlTarget target, CancellationToken cancel)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.ListenUnixSocket(socket);
        });
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        var server = new ControlServer(builder.Build(), target, socket);
        server._application.Run(server.AnswerAsync);
        try
        {
            File.Delete(socket);
            await server._application.StartAsync(cancel);
            File.SetUnixFileMode(socket, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            return server;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            await server.DisposeAsync();
            throw new RuntimeException(RuntimeFailure.Machine, $"the control socket {socket} cannot be made: {e.Message}", e);
        }
    }

    /// <summary>Stops listening and removes the socket.</summary>
    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        File.Delete(_socket);
    }

    private Task AnswerAsync(HttpContext context) => (context.Request.Method, context.Request.Path.Value) switch
    {
        ("GET", "/status") => context.Response.WriteAsJsonAsync(_target.Status(), ControlJson.Default.SystemStatus, cancellationToken: context.RequestAborted),
        ("GET", "/metrics") => MetricsAsync(context),
        ("GET", "/databases") => context.Response.WriteAsJsonAsync(_target.Databases(), ControlJson.Default.IReadOnlyListDatabaseAccess, cancellationToken: context.RequestAborted),
        ("GET", "/decisions") => context.Response.WriteAsJsonAsync(
            _target.Decisions(long.TryParse(Query(context, "after"), NumberStyles.None, CultureInfo.InvariantCulture, out var after) ? after : 0, Query(context, "service")),
            ControlJson.Default.IReadOnlyListScalingDecision,
            cancellationToken: context.RequestAborted),
        ("POST", "/launch") => OperateAsync(context, report =>
        {
            report(JsonSerializer.Serialize(_target.Launch(Query(context, "service") ?? ""), ControlJson.Default.ServiceLaunch));
            return Task.CompletedTask;
        }),
        ("POST", "/grow") => OperateAsync(context, report =>
            Query(context, "store") is { } store && int.TryParse(Query(context, "shards"), NumberStyles.None, CultureInfo.InvariantCulture, out var shards)
                ? _target.GrowAsync(store, shards, report)
                : throw new RuntimeException(RuntimeFailure.Guide, "grow needs a store and a number of shards")),
        ("POST", "/stop") => StopAsync(context),
        ("POST", "/restart") => OperateAsync(context, report => _target.RestartAsync(Query(context, "of"), report)),
        ("POST", "/scale") => OperateAsync(context, report =>
            (Query(context, "service"), Query(context, "count")) switch
            {
                ({ } service, Auto) => _target.ScaleAsync(service, null, report),
                ({ } service, { } text) when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) => _target.ScaleAsync(service, count, report),
                _ => throw new RuntimeException(RuntimeFailure.Guide, "scale needs a service, and a count or 'auto'"),
            }),
        _ => NotFoundAsync(context),
    };

    private static string? Query(HttpContext context, string name) => context.Request.Query[name] is [{ Length: > 0 } value] ? value : null;

    private async Task MetricsAsync(HttpContext context)
    {
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        await _target.WriteMetricsAsync(context.Response.Body, context.RequestAborted);
    }

    private Task StopAsync(HttpContext context)
    {
        _target.RequestStop();
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        return Task.CompletedTask;
    }

    private static Task NotFoundAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private static async Task OperateAsync(HttpContext context, Func<Action<string>, Task> operation)
    {
        context.Response.ContentType = "application/x-ndjson";
        var lines = Channel.CreateBounded<ControlLine>(new BoundedChannelOptions(1000) { FullMode = BoundedChannelFullMode.DropOldest });
        var working = RunAsync(operation, lines.Writer);
        try
        {
            await foreach (var line in lines.Reader.ReadAllAsync(context.RequestAborted))
            {
                await context.Response.WriteAsync(JsonSerializer.Serialize(line, ControlJson.Default.ControlLine) + "\n", context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        }
        catch (OperationCanceledException)
        {
            // The caller left. A half-done restart is no better than a whole one: it goes on.
        }

        await working;
    }

    private static async Task RunAsync(Func<Action<string>, Task> operation, ChannelWriter<ControlLine> lines)
    {
        try
        {
            await operation(text => lines.TryWrite(new ControlLine(text)));
            lines.TryWrite(new ControlLine(Done: true));
        }
        catch (RuntimeException e)
        {
            lines.TryWrite(new ControlLine(e.Message, e.Failure));
        }
        finally
        {
            lines.TryComplete();
        }
    }

    /// <summary>Signals are the host's business: the framework's own lifetime would stop this server behind its back.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
