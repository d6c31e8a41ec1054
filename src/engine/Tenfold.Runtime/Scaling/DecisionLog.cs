using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Tenfold.Runtime.Control;
using Tenfold.Runtime.State;
using Tenfold.Scaling;

namespace Tenfold.Runtime.Scaling;

/// <summary>
/// The last thousand decisions of a system: in memory while it is up, and in a file of its state folder, a line of JSON each, for when it
/// is down. Adding never waits: a disk that is full or hangs loses lines, nothing else. Thread-safe.
/// </summary>
public sealed class DecisionLog : IAsyncDisposable
{
    /// <summary>How many are kept.</summary>
    public const int Kept = 1000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly string _file;
    private readonly Queue<ScalingDecision> _last;
    private readonly Channel<ScalingDecision> _unwritten = Channel.CreateBounded<ScalingDecision>(new BoundedChannelOptions(Kept) { SingleReader = true });
    private readonly Task _writing;
    private int _lines;     // of the file
    private long _written;  // number of the last one in it
    private long _number;

    /// <summary>Goes on with what is in the file.</summary>
    public DecisionLog(SystemState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        _file = FileOf(state);
        var lines = Lines(state);
        _last = new Queue<ScalingDecision>(Parse(lines));
        _lines = lines.Count;
        _number = _last.Count == 0 ? 0 : _last.Max(one => one.Number);
        _writing = Task.Run(WriteAllAsync);
    }

    /// <summary>What the file has: the oldest first, at most <see cref="Kept"/>. Lines that are none are left out.</summary>
    public static IReadOnlyList<ScalingDecision> Read(SystemState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return Parse(Lines(state));
    }

    /// <summary>Those after a number, the oldest first.</summary>
    /// <param name="after">0: all.</param>
    /// <param name="service">Of one service; null: of all.</param>
    public IReadOnlyList<ScalingDecision> After(long after, string? service = null)
    {
        lock (_lock)
        {
            return [.. _last.Where(one => one.Number > after && (service is null || one.Service == service))];
        }
    }

    /// <summary>Adds one.</summary>
    public ScalingDecision Add(string service, Decision decision)
    {
        ArgumentNullException.ThrowIfNull(decision);
        lock (_lock)
        {
            var added = new ScalingDecision(++_number, decision.At, service, decision.From, decision.To, decision.Wanted, decision.Limit, decision.Reason);
            _last.Enqueue(added);
            if (_last.Count > Kept)
            {
                _last.Dequeue();
            }

            _unwritten.Writer.TryWrite(added);
            return added;
        }
    }

    /// <summary>Writes what is not in the file yet; a disk that hangs is waited for 5 s.</summary>
    public async ValueTask DisposeAsync()
    {
        _unwritten.Writer.TryComplete();
        await _writing.WaitAsync(Patience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static string FileOf(SystemState state) => Path.Combine(state.Logs, "decisions.jsonl");

    private async Task WriteAllAsync()
    {
        await foreach (var added in _unwritten.Reader.ReadAllAsync())
        {
            if (added.Number > _written)
            {
                Write(added);
            }
        }
    }

    private void Write(ScalingDecision added)
    {
        try
        {
            if (_lines < 2 * Kept)
            {
                File.AppendAllText(_file, Line(added));
                _lines++;
                return;
            }

            ScalingDecision[] last;
            lock (_lock)
            {
                last = [.. _last];
            }

            var text = new StringBuilder();
            foreach (var one in last)
            {
                text.Append(Line(one));
            }

            StateFolder.Write(_file, text.ToString());
            (_lines, _written) = (last.Length, last[^1].Number);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or RuntimeException)
        {
            // Those in memory are still there.
        }
    }

    private static string Line(ScalingDecision one) => JsonSerializer.Serialize(one, ControlJson.Default.ScalingDecision) + "\n";

    private static IReadOnlyList<string> Lines(SystemState state)
    {
        try
        {
            return File.ReadAllLines(FileOf(state));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return []; // there was none yet
        }
    }

    private static IReadOnlyList<ScalingDecision> Parse(IEnumerable<string> lines) => [.. lines.Select(Parse).OfType<ScalingDecision>().TakeLast(Kept)];

    private static ScalingDecision? Parse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, ControlJson.Default.ScalingDecision);
        }
        catch (JsonException)
        {
            return null; // cut off when the disk was full
        }
    }
}
