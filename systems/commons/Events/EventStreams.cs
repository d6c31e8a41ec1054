using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Tenfold.AspNetCore.Errors;

namespace Commons.Events;

/// <summary>
/// Serves server-sent events (the HTML standard's <c>text/event-stream</c>), so many at a time. A stream ends when its client leaves, and when
/// the instance stops: the client then goes on at another one, with the last event that it has seen. Thread-safe.
/// </summary>
/// <param name="most">Streams at the same time.</param>
/// <param name="lifetime">Of the app.</param>
/// <param name="time">Clock.</param>
public sealed class EventStreams(int most, IHostApplicationLifetime lifetime, TimeProvider time) : IDisposable
{
    private readonly SemaphoreSlim _slots = new(most);

    /// <summary>Has a stream served, or answers 503 when there are too many.</summary>
    /// <param name="context">The request.</param>
    /// <param name="follow">Looks, writes events, waits by <see cref="EventWriter.Over"/>, and returns when nothing more will happen. Before its first event it may answer otherwise.</param>
    public async Task ServeAsync(HttpContext context, Func<EventWriter, Task> follow)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(follow);
        if (!await _slots.WaitAsync(TimeSpan.Zero))
        {
            context.Response.Headers.RetryAfter = "5";
            await Problem.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, $"This instance serves {most} streams already. Try again.");
            return;
        }

        try
        {
            using var over = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
            await follow(new EventWriter(context, time, over.Token));
        }
        catch (OperationCanceledException) when (context.Response.HasStarted && lifetime.ApplicationStopping.IsCancellationRequested && !context.RequestAborted.IsCancellationRequested)
        {
            // The instance stops.
        }
        finally
        {
            _slots.Release();
        }
    }

    public void Dispose() => _slots.Dispose();
}

/// <summary>One stream. Used by one caller at a time.</summary>
public sealed class EventWriter
{
    /// <summary>After so long without an event a comment is sent, so that nobody on the way takes the connection for dead.</summary>
    public static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    private readonly HttpContext _context;
    private readonly TimeProvider _time;
    private long _wrote;

    internal EventWriter(HttpContext context, TimeProvider time, CancellationToken over)
    {
        (_context, _time, Over, _wrote) = (context, time, over, time.GetTimestamp());
        LastId = long.TryParse(context.Request.Headers["Last-Event-ID"], NumberStyles.None, CultureInfo.InvariantCulture, out var last) ? last : 0;
    }

    /// <summary>Ends when the client has left or the instance stops.</summary>
    public CancellationToken Over { get; }

    /// <summary>Id of the last event that the client has seen; 0 for none.</summary>
    public long LastId { get; }

    /// <summary>How long to wait for an event before <see cref="BeatAsync"/>.</summary>
    public TimeSpan UntilBeat => Heartbeat - _time.GetElapsedTime(_wrote) is { Ticks: > 0 } left ? left : TimeSpan.Zero;

    /// <summary>Answers that nothing will come any more (204): a browser does not come back after it.</summary>
    public void End() => _context.Response.StatusCode = StatusCodes.Status204NoContent;

    /// <summary>Begins the answer.</summary>
    public Task BeginAsync()
    {
        _context.Response.ContentType = "text/event-stream";
        _context.Response.Headers.CacheControl = "no-store";
        _context.Response.Headers["X-Accel-Buffering"] = "no"; // nginx
        return SendAsync("retry: 2000\n\n");
    }

    /// <summary>Sends an event; its data is one line.</summary>
    public Task WriteAsync(long id, string kind, string data) => SendAsync(string.Create(CultureInfo.InvariantCulture, $"id: {id}\nevent: {kind}\ndata: {data}\n\n"));

    /// <summary>Sends a comment, if nothing was sent for <see cref="Heartbeat"/>.</summary>
    public Task BeatAsync() => _time.GetElapsedTime(_wrote) >= Heartbeat ? SendAsync(":\n\n") : Task.CompletedTask;

    private async Task SendAsync(string text)
    {
        await _context.Response.WriteAsync(text, _context.RequestAborted);
        await _context.Response.Body.FlushAsync(_context.RequestAborted);
        _wrote = _time.GetTimestamp();
    }
}
