using System.Text.Json;

namespace Commons.Http;

/// <summary>The serializer's messages name .NET types; a client is told the field and what is wrong with it.</summary>
public static class JsonProblem
{
    /// <summary>The field, when it is no single one.</summary>
    public const string Whole = "body";

    /// <param name="wrong">What the serializer has said.</param>
    /// <param name="ofOneLine">What was read is one line of a file.</param>
    public static (string Field, string Message) Describe(JsonException wrong, bool ofOneLine)
    {
        var field = wrong.Path is { Length: > 2 } path && path.StartsWith("$.", StringComparison.Ordinal) ? path[2..] : Whole;
        return (field, wrong.Message switch
        {
            _ when wrong.Message.StartsWith("must not be null", StringComparison.Ordinal) => "must not be null",
            _ when wrong.Message.Contains("could not be mapped", StringComparison.Ordinal) => "is not a field that can be given here",
            _ when wrong.Message.Contains("Duplicate property", StringComparison.Ordinal) => "is given twice",
            _ when wrong.Message.Contains("could not be converted", StringComparison.Ordinal) => "has the wrong type",
            _ when wrong.Message.Contains("missing required properties", StringComparison.Ordinal) => "lacks fields that must be given",
            _ when ofOneLine => $"is not JSON (byte {wrong.BytePositionInLine + 1})",
            _ => $"is not JSON (line {wrong.LineNumber + 1}, byte {wrong.BytePositionInLine + 1})",
        });
    }
}
