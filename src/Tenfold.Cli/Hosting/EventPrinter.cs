using System.Text.Json;
using Tenfold.Cli.Edge;
using Tenfold.Cli.Output;
using Tenfold.Runtime.Host;
using Tenfold.Runtime.Logs;

namespace Tenfold.Cli.Hosting;

/// <summary>Prints what a host tells. Thread-safe.</summary>
internal sealed class EventPrinter : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Action<HostEvent> _print;
    private readonly Dictionary<string, DateTimeOffset> _working = [];
    private readonly TimeProvider _time;
    private readonly ITimer? _timer;
    private readonly IDisposable? _owned;

    private EventPrinter(TimeProvider time, Action<HostEvent> print, Action<string>? waiting = null, IDisposable? owned = null)
    {
        (_time, _print, _owned) = (time, print, owned);
        if (waiting is not null)
        {
            _timer = time.CreateTimer(_ => SayWaiting(waiting), null, Patience, Patience);
        }
    }

    /// <summary>Lines for people; a step that takes long is told every 10 s.</summary>
    public static EventPrinter Plain(Shell shell) => new(shell.Time, one => PrintPlain(shell, one), shell.Out.WriteLine);

    /// <summary>A JSON object a line.</summary>
    public static EventPrinter Json(Shell shell) => new(shell.Time, one => shell.Out.WriteLine(Line(one)));

    /// <summary>Of a detached host: JSON lines for the command that started it, and its log on stdout, which is the file <paramref name="log"/>.</summary>
    public static EventPrinter ForHost(Shell shell, string file, string log)
    {
        var stream = new FileStream(file, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        var listening = true;
        return new EventPrinter(
            shell.Time,
            one =>
            {
                if (one.Kind != HostEventKind.Begun)
                {
                    shell.Out.WriteLine(new LogLine(shell.Time.GetUtcNow(), LogOrigin.Host, Text(one)));
                    shell.Out.Flush();
                    HostLog.Rotate(log);
                }

                if (listening)
                {
                    stream.Write(System.Text.Encoding.UTF8.GetBytes(Line(one) + "\n"));
                    listening = one.Kind is not (HostEventKind.Ready or HostEventKind.Failed); // the reader leaves then
                }
            },
            owned: stream);
    }

    public void Print(HostEvent one)
    {
        lock (_lock)
        {
            if (one.Kind == HostEventKind.Begun)
            {
                _working[one.Text] = _time.GetUtcNow();
            }
            else
            {
                _working.Remove(one.Text);
            }

            Try(() => _print(one));
        }
    }

    public void Dispose()
    {
        _timer?.Dispose();
        _owned?.Dispose();
    }

    private void SayWaiting(Action<string> say)
    {
        lock (_lock)
        {
            if (_working.Count > 0)
            {
                Try(() => say($"  … {string.Join(", ", _working.Select(one => $"{one.Key} ({Units.Duration(_time.GetUtcNow() - one.Value)})"))}"));
            }
        }
    }

    private static void Try(Action print)
    {
        try
        {
            print();
        }
        catch (IOException)
        {
            // A full disk under host.log, or a terminal that was closed, must not end the system; status shows the notes all the same.
        }
    }

    private static void PrintPlain(Shell shell, HostEvent one)
    {
        if (one.Kind is not (HostEventKind.Begun or HostEventKind.Failed))
        {
            shell.Out.WriteLine((one.Kind == HostEventKind.Done ? "  ✓ " : one.Kind == HostEventKind.Note ? "  ! " : "") + Text(one));
        }
    }

    private static string Text(HostEvent one) => one.Seconds is { } seconds ? $"{one.Text}  ({Units.Duration(TimeSpan.FromSeconds(seconds))})" : one.Text;

    private static string Line(HostEvent one) => JsonSerializer.Serialize(one, CliLineJson.Default.HostEvent);
}
