using System.Text.Json;
using System.Text.Json.Serialization;

namespace Rez.Search;

internal sealed record SuggestionList(bool Success, IReadOnlyList<Suggestion> Data);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, NumberHandling = JsonNumberHandling.Strict)]
[JsonSerializable(typeof(SuggestionList))]
internal sealed partial class SearchJson : JsonSerializerContext;
