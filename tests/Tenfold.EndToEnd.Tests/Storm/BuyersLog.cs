using System.Text.Json;
using System.Text.Json.Serialization;

namespace Tenfold.EndToEnd.Tests.Storm;

/// <summary>What a request to the shop came to, as its client knows it.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Outcome>))]
internal enum Outcome
{
    /// <summary>Written before the request is sent.</summary>
    Intent,
    Ok,

    /// <summary>The shop has said that nothing was done.</summary>
    Fail,

    /// <summary>No answer that says what was done.</summary>
    Unknown,
}

/// <summary>One line of the log.</summary>
/// <param name="Buyer">Number of the buyer.</param>
/// <param name="What">order or payment.</param>
/// <param name="Key">The request's Idempotency-Key.</param>
/// <param name="Outcome">How it went.</param>
/// <param name="Id">Of the order or payment.</param>
/// <param name="Detail">Status, or what went wrong.</param>
internal sealed record LogLine(int Buyer, string What, string Key, Outcome Outcome, string? Id = null, string? Detail = null);

/// <summary>
/// The buyers' own log, outside of the system: it says what they asked for before they ask, and what they were told, and so what the
/// system must have done, must not have done, and may have done.
/// </summary>
internal sealed class BuyersLog(string file) : IDisposable
{
    private readonly StreamWriter _writer = new(file) { AutoFlush = true };
    private readonly Lock _lock = new();

    public void Write(LogLine line)
    {
        lock (_lock)
        {
            _writer.WriteLine(JsonSerializer.Serialize(line));
        }
    }

    /// <summary>Ends writing, and reads what is in the file: the last word on each key.</summary>
    public IReadOnlyList<LogLine> Close()
    {
        _writer.Dispose();
        var lines = File.ReadLines(file).Select(line => JsonSerializer.Deserialize<LogLine>(line)!);
        return [.. lines.GroupBy(line => line.Key, StringComparer.Ordinal).Select(key => key.Last())];
    }

    public void Dispose() => _writer.Dispose();
}
