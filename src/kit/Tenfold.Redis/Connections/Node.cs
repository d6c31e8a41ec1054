using Microsoft.Extensions.Logging;

namespace Tenfold.Redis.Connections;

/// <summary>A server and its connections; each key has one of them.</summary>
internal sealed class Node : IAsyncDisposable
{
    private readonly Line[] _lines;

    public Node(ConnectionContext context, LineSettings settings, ILogger log)
    {
        Settings = settings;
        _lines = new Line[context.Options.ConnectionsPerNode];
        for (var i = 0; i < _lines.Length; i++)
        {
            _lines[i] = new Line(context, settings, log);
        }
    }

    public LineSettings Settings { get; }

    public bool IsConnected => Array.TrueForAll(_lines, static line => line.IsConnected);

    public ReadOnlySpan<Line> Lines => _lines;

    /// <summary>Whether answers are owed.</summary>
    public bool HasPending => Array.Exists(_lines, static line => line.Current?.Pending > 0);

    public Line LineOf(int slot) => _lines.Length == 1 ? _lines[0] : _lines[slot % _lines.Length];

    public void Tick(int now)
    {
        foreach (var line in _lines)
        {
            line.Tick(now);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var line in _lines)
        {
            await line.DisposeAsync();
        }
    }
}
