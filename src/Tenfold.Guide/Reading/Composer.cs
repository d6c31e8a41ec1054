using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Tenfold.Guide.Reading;

/// <summary>Turns YAML text into one tree of nodes: anchors, aliases, merge keys and environment variables are resolved here.</summary>
/// <remarks>Aliases share nodes; <see cref="Node.Size"/> counts them as if written out, so a YAML bomb is stopped before it is walked.</remarks>
internal sealed class Composer(string text, Substitution substitution, Findings findings)
{
    public const int MaxNodes = 100_000;
    public const int MaxDepth = 64;

    private const string MergeKey = "<<";

    private readonly Parser _parser = new(new Scanner(new StringReader(text), skipComments: true));
    private readonly Dictionary<string, Node?> _anchors = new(StringComparer.Ordinal); // null: not complete yet
    private int _read;

    /// <summary>How far the parser came.</summary>
    public Position Reached => _parser.Current is { } current ? At(current) : new Position(1, 1);

    /// <summary>The file's only document; null when there is none.</summary>
    /// <exception cref="YamlException">It is not YAML, or more than this reader takes; the mark says where.</exception>
    public Node? Compose()
    {
        _parser.Consume<StreamStart>();
        if (_parser.Accept<StreamEnd>(out _))
        {
            return null;
        }

        _parser.Consume<DocumentStart>();
        var root = Value("", 1);
        _parser.Consume<DocumentEnd>();
        return _parser.Accept<DocumentStart>(out var second)
            ? throw Stop(second, "a second document begins here; a guide is one document")
            : root;
    }

    private Node Value(string path, int depth)
    {
        _parser.Accept<ParsingEvent>(out var next);
        if (depth > MaxDepth)
        {
            throw Stop(next!, $"nested more than {MaxDepth} levels deep");
        }

        if (++_read > MaxNodes)
        {
            throw TooLarge(next!);
        }

        if (next is AnchorAlias)
        {
            return Alias(depth);
        }

        if (next is not NodeEvent start)
        {
            throw Stop(next!, "expected a value");
        }

        if (!start.Tag.IsEmpty)
        {
            throw Stop(start, $"tags are not supported, found '{start.Tag.Value}'");
        }

        var anchor = start.Anchor.IsEmpty ? null : start.Anchor.Value;
        if (anchor is not null)
        {
            _anchors[anchor] = null;
        }

        Node node = start switch
        {
            YamlDotNet.Core.Events.Scalar _ => Scalar(path),
            SequenceStart => List(path, depth),
            _ => Map(path, depth),
        };
        if (node.Size > MaxNodes)
        {
            throw TooLarge(start);
        }

        if (anchor is not null)
        {
            _anchors[anchor] = node;
        }

        return node;
    }

    private Node Alias(int depth)
    {
        var alias = _parser.Consume<AnchorAlias>();
        if (!_anchors.TryGetValue(alias.Value.Value, out var node))
        {
            throw Stop(alias, $"no anchor '&{alias.Value.Value}' above this alias; a text that begins with * needs quotes");
        }

        if (node is null)
        {
            throw Stop(alias, $"the anchor '&{alias.Value.Value}' contains itself");
        }

        return depth - 1 + node.Depth > MaxDepth ? throw Stop(alias, $"nested more than {MaxDepth} levels deep") : node;
    }

    private ScalarNode Scalar(string path)
    {
        var scalar = _parser.Consume<Scalar>();
        var at = At(scalar);
        var plain = scalar.Style == ScalarStyle.Plain;
        if (SourceText.FindControl(scalar.Value) is { } control)
        {
            throw Stop(scalar, $"control character {control} in a text");
        }

        if (plain && scalar.Value is "" or "~" or "null" or "Null" or "NULL")
        {
            return new ScalarNode(at, scalar.Value, plain, isNull: true, isBroken: false);
        }

        var filled = substitution.TryApply(scalar.Value, out var value, out var error);
        if (!filled)
        {
            findings.Add(path, at, error!);
        }

        return new ScalarNode(at, value, plain, isNull: false, isBroken: !filled);
    }

    private ListNode List(string path, int depth)
    {
        var list = new ListNode(At(_parser.Consume<SequenceStart>()));
        while (!_parser.TryConsume<SequenceEnd>(out _))
        {
            list.Add(Value($"{path}[{list.Items.Count}]", depth + 1));
            if (list.Size > MaxNodes)
            {
                throw TooLarge(list.At);
            }
        }

        return list;
    }

    private MapNode Map(string path, int depth)
    {
        var start = _parser.Consume<MappingStart>();
        var map = new MapNode(At(start));
        var merges = new List<Entry>();
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            if (!_parser.TryConsume<Scalar>(out var key))
            {
                throw Stop(_parser.Current!, "a key is a plain text");
            }

            if (SourceText.FindControl(key.Value) is { } control)
            {
                throw Stop(key, $"control character {control} in a key");
            }

            var entry = new Entry(key.Value, At(key), Value(ItemPath.Of(path, key.Value), depth + 1));
            if (key is { Value: MergeKey, Style: ScalarStyle.Plain })
            {
                merges.Add(entry);
            }
            else if (!map.TryAdd(entry))
            {
                findings.Add(ItemPath.Of(path, entry.Key), entry.KeyAt, $"the key is given twice; first on line {map.Find(entry.Key)!.KeyAt.Line}");
            }

            if (map.Size > MaxNodes)
            {
                throw TooLarge(map.At);
            }
        }

        foreach (var merge in merges)
        {
            Merge(path, map, merge);
        }

        return map;
    }

    // https://yaml.org/type/merge.html: the mapping's own keys win, then the earlier of several merged mappings.
    private void Merge(string path, MapNode map, Entry merge)
    {
        var sources = merge.Value is ListNode list ? list.Items : [merge.Value];
        foreach (var source in sources)
        {
            if (source is not MapNode other)
            {
                findings.Add(ItemPath.Of(path, MergeKey), merge.KeyAt, $"'<<' takes a mapping or a list of mappings, found {source.Kind}");
                continue;
            }

            foreach (var entry in other.Entries)
            {
                map.TryAdd(entry);
            }
        }
    }

    private static Position At(ParsingEvent e) => new((int)e.Start.Line, (int)e.Start.Column);

    private static TreeException TooLarge(ParsingEvent e) => TooLarge(At(e));

    private static TreeException TooLarge(Position at)
    {
        var mark = new Mark(0, at.Line, at.Column);
        return new TreeException(mark, $"the guide has more than {MaxNodes:N0} values once aliases are written out");
    }

    private static TreeException Stop(ParsingEvent e, string message) => new(e.Start, message);
}

/// <summary>YAML that this reader does not take; the message is its own.</summary>
internal sealed class TreeException(Mark at, string message) : YamlException(at, at, message);
