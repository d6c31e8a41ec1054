using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Tenfold.Guide;

/// <summary>
/// A path with places: literal segments, <c>{name}</c> for one segment, <c>**</c> at the end for any rest (also none).
/// Matching is case-sensitive and knows no query string. Immutable; thread-safe.
/// </summary>
public sealed class PathPattern : IEquatable<PathPattern>
{
    private static readonly SearchValues<char> Forbidden = SearchValues.Create("?# \t\r\n");

    private readonly string[] _segments; // null-free; "{x}" marks one segment
    private readonly bool _rest;
    private readonly string _text;

    private PathPattern(string text, string[] segments, bool rest) => (_text, _segments, _rest) = (text, segments, rest);

    /// <summary>Reads a pattern; <paramref name="error"/> says what is wrong with it.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out PathPattern? pattern, [NotNullWhen(false)] out string? error)
    {
        pattern = null;
        if (text.Length == 0 || text[0] != '/')
        {
            error = "a path begins with '/'";
            return false;
        }

        if (text.AsSpan().ContainsAny(Forbidden))
        {
            error = "a path pattern has no query, fragment or space";
            return false;
        }

        var segments = text[1..].Split('/');
        var rest = segments[^1] == "**";
        var literal = rest ? segments[..^1] : segments;
        foreach (var segment in literal)
        {
            if (segment.Contains('*', StringComparison.Ordinal))
            {
                error = "'**' stands at the end only; one segment is '{name}'";
                return false;
            }

            var open = segment.IndexOfAny(['{', '}']);
            if (open >= 0 && !(open == 0 && segment.Length > 2 && segment.IndexOf('}', StringComparison.Ordinal) == segment.Length - 1 && segment.LastIndexOf('{') == 0))
            {
                error = "'{name}' stands for a whole segment";
                return false;
            }
        }

        pattern = new PathPattern(text, literal, rest);
        error = null;
        return true;
    }

    /// <summary>Reads a pattern that is known to be right.</summary>
    /// <exception cref="FormatException">It is not.</exception>
    public static PathPattern Parse(string text) =>
        TryParse(text, out var pattern, out var error) ? pattern : throw new FormatException($"'{text}': {error}");

    /// <summary>Whether the path (no query) fits. Does not allocate.</summary>
    public bool Matches(ReadOnlySpan<char> path)
    {
        if (path.IsEmpty || path[0] != '/')
        {
            return false;
        }

        path = path[1..];
        var atEnd = false; // no segment left
        foreach (var segment in _segments)
        {
            if (atEnd)
            {
                return false;
            }

            var slash = path.IndexOf('/');
            var part = slash < 0 ? path : path[..slash];
            if (segment.Length > 0 && segment[0] == '{' ? part.IsEmpty : !part.SequenceEqual(segment))
            {
                return false;
            }

            atEnd = slash < 0;
            path = atEnd ? default : path[(slash + 1)..];
        }

        return _rest || atEnd;
    }

    /// <summary>
    /// Orders patterns from the most to the least specific: segment by segment, a literal before a place before <c>**</c>.
    /// </summary>
    public static int CompareSpecificity(PathPattern left, PathPattern right)
    {
        for (var i = 0; ; i++)
        {
            var (a, b) = (left.Rank(i), right.Rank(i));
            if (a != b)
            {
                return a - b;
            }

            if (a >= 2)
            {
                return 0;
            }
        }
    }

    /// <summary>Equal for patterns that match the same paths: the text without the names of its places.</summary>
    internal string Shape => '/' + string.Join('/', _segments.Select(s => IsPlace(s) ? "{}" : s).Concat(_rest ? ["**"] : []));

    /// <summary>Whether some path matches both.</summary>
    public bool Overlaps(PathPattern other)
    {
        var common = Math.Min(_segments.Length, other._segments.Length);
        for (var i = 0; i < common; i++)
        {
            var (a, b) = (_segments[i], other._segments[i]);
            var meet = IsPlace(a) ? b.Length > 0 : IsPlace(b) ? a.Length > 0 : a == b;
            if (!meet)
            {
                return false;
            }
        }

        return (_segments.Length >= other._segments.Length || _rest) && (other._segments.Length >= _segments.Length || other._rest);
    }

    private static bool IsPlace(string segment) => segment.StartsWith('{');

    private int Rank(int i) => i < _segments.Length ? (_segments[i].StartsWith('{') ? 1 : 0) : _rest ? 3 : 2;

    public bool Equals(PathPattern? other) => other is not null && string.Equals(_text, other._text, StringComparison.Ordinal);

    public override bool Equals(object? obj) => Equals(obj as PathPattern);

    public override int GetHashCode() => _text.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => _text;
}
