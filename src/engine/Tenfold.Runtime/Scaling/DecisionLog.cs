using System.Text;
using System.Text.Json;
using Tenfold.Runtime.Control;
using Tenfold.Runtime.State;
using Tenfold.Scaling;

namespace Tenfold.Runtime.Scaling;

/// <summary>
/// The last thousand decisions of a system: in memory while it is up, and in a file of its state folder, a line of JSON each, for when it
/// is down. A full disk loses lines, nothing else. Thread-safe.
/// </summary>
public sealed class DecisionLog
{
    /// <summary>How many are kept.</summary>
    public const int Kept = 1000;

    private readonly Lock _lock = new();
    private readonly string _file;
    private readonly Queue<ScalingDecision> _last;
    private int _lines;
    private long _number;

    /// <summary>Goes on with what is in the file.</summary>
    public DecisionLog(SystemState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        _file = FileOf(state);
        _last = new Queue<ScalingDecision>(Read(state));
        _lines = _last.Count;
        _number = _last.Count == 0 ? 0 : _last.Max(one => one.Number);
    }

    /// <summary>What the file has: the oldest first, at most <see cref="Kept"/>. Lines that are none are left out.</summary>
    public static IReadOnlyList<ScalingDecision> Read(SystemState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        try
        {
            return [.. File.ReadLines(FileOf(state)).Select(Parse).OfType<ScalingDecision>().TakeLast(Kept)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return []; // there was none yet
        }
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

            Write(added);
            return added;
        }
    }

    private static string FileOf(SystemState state) => Path.Combine(state.Logs, "decisions.jsonl");

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

            var text = new StringBuilder();
            foreach (var one in _last)
            {
                text.Append(Line(one));
            }

            StateFolder.Write(_file, text.ToString());
            _lines = _last.Count;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or RuntimeException)
        {
            // Those in memory are still there.
        }
    }

    private static string Line(ScalingDecision one) => JsonSerializer.Serialize(one, ControlJson.Default.ScalingDecision) + "\n";

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
