using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Tenfold.Jobs.Ending;

/// <summary>What is kept of a failed run: one element of the array <c>errors</c>. Its time is the database's and is added there.</summary>
internal static class JobError
{
    /// <summary>Most errors kept of a job: the first, and the newest.</summary>
    public const int Most = 20;

    private const int LongestMessage = 1000;
    private const int LongestDetail = 8000;

    /// <summary>SQL that appends <paramref name="error"/> (jsonb, may be null) to <paramref name="errors"/>.</summary>
    public static string Append(string errors, string error) => $$"""
        CASE WHEN {{error}} IS NULL THEN {{errors}}
             ELSE coalesce(CASE WHEN jsonb_array_length({{errors}}) >= {{Most}} THEN {{errors}} - 1 ELSE {{errors}} END, '[]')
                  || jsonb_build_array(jsonb_build_object('at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) || {{error}}) END
        """;

    public static string Of(int run, string worker, Exception exception) => Of(run, worker, $"{exception.GetType().Name}: {exception.Message}", exception.ToString());

    public static string Of(int run, string worker, string message, string? detail = null)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("run", run);
            json.WriteString("worker", worker);
            json.WriteString("error", Clean(message, LongestMessage));
            if (detail is not null)
            {
                json.WriteString("detail", Clean(detail, LongestDetail));
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    // jsonb takes neither NUL nor half a surrogate pair.
    private static string Clean(string text, int most)
    {
        var cut = text.Length <= most ? text : text[..(most - 1)] + "…";
        return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(cut)).Replace("\0", "\uFFFD", StringComparison.Ordinal);
    }
}
