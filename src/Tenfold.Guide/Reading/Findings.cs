using System.Runtime.InteropServices;

namespace Tenfold.Guide.Reading;

/// <summary>A place in the file, line and column from 1.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Position(int Line, int Column);

/// <summary>
/// The errors found so far, and where each item of the guide stands, so that the records stay free of positions.
/// One reader uses it on one thread.
/// </summary>
internal sealed class Findings(string file)
{
    private const int LongestPath = 200;
    private const int LongestMessage = 600;

    private readonly List<GuideError> _errors = [];
    private readonly Dictionary<string, Position> _places = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Position> _keys = new(StringComparer.Ordinal);
    private readonly HashSet<string> _unread = new(StringComparer.Ordinal);

    public bool Any => _errors.Count > 0;

    /// <summary>In the order of the file; those of one place in the order they were found.</summary>
    public IReadOnlyList<GuideError> InOrder() => [.. _errors.OrderBy(e => e.Line).ThenBy(e => e.Column)];

    public void Place(string path, Position at) => _places[path] = at;

    public void PlaceKey(string path, Position at) => _keys[path] = _places[path] = at;

    /// <summary>Whether the item is written in the file.</summary>
    public bool IsWritten(string path) => _places.ContainsKey(path);

    /// <summary>An item that could not be read: later rules about it, or about what is inside it, stay silent.</summary>
    public void Unread(string path, Position at, string message)
    {
        _unread.Add(path);
        Add(path, at, message);
    }

    /// <summary>As <see cref="Unread"/>, for an item whose error is reported already.</summary>
    public void Silence(string path) => _unread.Add(path);

    public void Add(string path, Position at, string message) =>
        _errors.Add(new GuideError(file, at.Line, at.Column, OneLine(path, LongestPath), OneLine(message, LongestMessage)));

    /// <summary>A rule that an item breaks; it stands where the item, or else the nearest thing around it, is written.</summary>
    public void Add(string path, string message)
    {
        if (!IsUnread(path))
        {
            Add(path, PlaceOf(path) ?? new Position(1, 1), message);
        }
    }

    /// <summary>A rule that an item's key breaks, as a name does.</summary>
    public void AddToKey(string path, string message)
    {
        if (_keys.TryGetValue(path, out var at))
        {
            Add(path, at, message);
        }
        else
        {
            Add(path, message);
        }
    }

    /// <summary>Whether the item's value may be judged: it is not in error, nor is anything around it.</summary>
    public bool IsReadable(string path) => !IsUnread(path);

    private bool IsUnread(string path)
    {
        for (var at = path; ; at = Parent(at))
        {
            if (_unread.Contains(at))
            {
                return true;
            }

            if (at.Length == 0)
            {
                return false;
            }
        }
    }

    /// <summary>Where the item, or else the nearest thing around it, is written.</summary>
    public Position? PlaceOf(string path)
    {
        var at = path;
        while (at.Length > 0)
        {
            if (_places.TryGetValue(at, out var place))
            {
                return place;
            }

            at = Parent(at);
        }

        return null;
    }

    // An error is one line of output, whatever the guide holds.
    private static string OneLine(string text, int longest)
    {
        var shown = text.Length <= longest ? text : text[..longest] + "…";
        return shown.Replace("\r", "\\r", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal).Replace("\t", "\\t", StringComparison.Ordinal);
    }

    private static string Parent(string path) => path[..Math.Max(0, path.AsSpan().LastIndexOfAny('.', '['))];
}
