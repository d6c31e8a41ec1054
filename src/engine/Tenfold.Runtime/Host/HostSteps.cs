using System.Collections.Concurrent;
using Tenfold.Runtime.Control;

namespace Tenfold.Runtime.Host;

/// <summary>Tells what a host does, step by step, and keeps its last notes. Thread-safe.</summary>
/// <param name="report">Gets each event.</param>
/// <param name="time">Clock.</param>
internal sealed class HostSteps(Action<HostEvent> report, TimeProvider time)
{
    private const int KeptNotes = 20;

    private readonly ConcurrentQueue<NoteStatus> _notes = [];

    /// <summary>The last notes, the oldest first.</summary>
    public IReadOnlyCollection<NoteStatus> Notes => _notes;

    /// <summary>Something that whoever looks should know.</summary>
    public void Note(string text)
    {
        _notes.Enqueue(new NoteStatus(time.GetUtcNow(), text));
        while (_notes.Count > KeptNotes)
        {
            _notes.TryDequeue(out _);
        }

        report(new HostEvent(HostEventKind.Note, text));
    }

    /// <summary>A step: its beginning and, unless it fails, its end are told.</summary>
    public async Task<T> RunAsync<T>(string name, Func<Task<T>> run)
    {
        report(new HostEvent(HostEventKind.Begun, name));
        var start = time.GetTimestamp();
        var result = await run();
        report(new HostEvent(HostEventKind.Done, name, time.GetElapsedTime(start).TotalSeconds));
        return result;
    }

    /// <inheritdoc cref="RunAsync{T}"/>
    public Task RunAsync(string name, Func<Task> run) => RunAsync(name, async () =>
    {
        await run();
        return 0;
    });
}
