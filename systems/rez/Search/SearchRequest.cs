using Commons.Http;

namespace Rez.Search;

/// <summary>What is searched for, and which part of it is wanted.</summary>
internal sealed record SearchRequest(string Text, int Limit)
{
    public SearchFilter Filter { get; init; } = SearchFilter.None;

    /// <summary>Products before the part, when it is paged by number.</summary>
    public int Offset { get; init; }

    /// <summary>What the part comes after, when it is walked.</summary>
    public SearchCursor? After { get; init; }

    /// <summary>Products that were shown before this part.</summary>
    public int Before => After?.Shown ?? Offset;

    /// <summary>FNV-1a of text and filters: the same in every process.</summary>
    public uint Hash()
    {
        var hash = 2166136261;
        foreach (var c in $"{Text}\0{Filter}")
        {
            hash = (hash ^ c) * 16777619;
        }

        return hash;
    }

    /// <summary>With <c>page</c>, or <c>cursor</c>: one of them.</summary>
    public SearchRequest ReadPart(QueryParameters parameters)
    {
        var page = parameters.OptionalNumber("page", 1, ProductSearch.Most);
        var text = parameters.Text("cursor", 100);
        if ((page ?? 1) * Limit > ProductSearch.Most)
        {
            parameters.Wrong("page", $"ends at row {page * Limit}; a search shows the first {ProductSearch.Most}: add words to it, or filters");
        }

        if (text is null)
        {
            return this with { Offset = ((page ?? 1) - 1) * Limit };
        }

        if (page is not null)
        {
            parameters.Wrong("cursor", "and page exclude each other; give one of them");
        }

        if (!SearchCursor.TryParse(text, out var cursor))
        {
            parameters.Wrong("cursor", "is not one of a search; take it from pagination.nextCursor");
        }
        else if (cursor.Query != Hash())
        {
            parameters.Wrong("cursor", "belongs to a search for something else, or with other filters; begin again without it");
        }

        return this with { After = cursor };
    }
}
