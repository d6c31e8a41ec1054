using Commons.Http;

namespace Rez.Search;

/// <summary>The parameter <c>q</c>: required, at most 200 characters, no control characters. Everything else in it is text.</summary>
internal static class SearchText
{
    public const int Longest = 200;

    public static string Read(QueryParameters parameters)
    {
        var text = parameters.Text("q", Longest);
        if (text is null)
        {
            parameters.Wrong("q", $"is missing; give what to search for, 1 to {Longest} characters");
        }

        return text ?? "";
    }
}
