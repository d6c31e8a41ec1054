namespace Tenfold.Guide.Reading;

/// <summary>A YAML value after anchors, merge keys and environment variables are resolved. Immutable once composed.</summary>
internal abstract class Node(Position at)
{
    public Position At => at;

    /// <summary>For messages: what a person would call it.</summary>
    public abstract string Kind { get; }

    /// <summary>Nodes in it and below, aliases counted as if written out.</summary>
    public long Size { get; protected set; } = 1;

    /// <summary>Levels in it and below, aliases counted as if written out.</summary>
    public int Depth { get; protected set; } = 1;

    protected void Count(Node child)
    {
        Size += child.Size;
        Depth = Math.Max(Depth, child.Depth + 1);
    }
}

internal sealed class ScalarNode(Position at, string text, bool plain, bool isNull, bool isBroken) : Node(at)
{
    public string Text => text;

    /// <summary>Written without quotes, so that JSON may take it for a number or a boolean.</summary>
    public bool IsPlain => plain;

    public bool IsNull => isNull;

    /// <summary>An error about it is reported already.</summary>
    public bool IsBroken => isBroken;

    public override string Kind => isNull ? "nothing" : $"'{Shorten(text)}'";

    private static string Shorten(string text) => text.Length <= 60 ? text : text[..60] + "…";
}

internal sealed class ListNode(Position at) : Node(at)
{
    private readonly List<Node> _items = [];

    public IReadOnlyList<Node> Items => _items;

    public override string Kind => "a list";

    public void Add(Node item)
    {
        _items.Add(item);
        Count(item);
    }
}

internal sealed record Entry(string Key, Position KeyAt, Node Value);

internal sealed class MapNode(Position at) : Node(at)
{
    private readonly OrderedDictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    public IReadOnlyCollection<Entry> Entries => _entries.Values;

    public override string Kind => "a mapping";

    public Entry? Find(string key) => _entries.GetValueOrDefault(key);

    /// <summary>False when the key is there already: the first one stands.</summary>
    public bool TryAdd(Entry entry)
    {
        if (!_entries.TryAdd(entry.Key, entry))
        {
            return false;
        }

        Count(entry.Value);
        return true;
    }
}
