using System.Text.Json;
using System.Text.Json.Serialization;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Stores;

/// <summary>Which server of a database is the primary; kept in a file, written before anything is done that it allows.</summary>
/// <param name="Primary">Index of the only server that may take writes. All others are started as standbys, whatever they were.</param>
/// <param name="Term">Goes up with each failover.</param>
/// <param name="Synced">
/// With synchronous replication: every commit that was answered is on at least one of these replicas. All of them must be seen
/// before one of them takes over. Empty: there is no such guarantee now, and nobody takes over.
/// </param>
internal sealed record Topology(int Primary, int Term, IReadOnlyList<int> Synced)
{
    public static Topology First { get; } = new(0, 1, []);

    /// <summary>What the file says; null when it is not there or not readable as such.</summary>
    public static Topology? Read(string file)
    {
        try
        {
            return StateFolder.ReadIfThere(file) is { Length: > 0 } text ? JsonSerializer.Deserialize(text, TopologyJson.Default.Topology) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Writes it, synced to the disk.</summary>
    public void Write(string file) => StateFolder.Write(file, JsonSerializer.Serialize(this, TopologyJson.Default.Topology), secret: true);

    public bool Equals(Topology? other) => other is not null && (Primary, Term) == (other.Primary, other.Term) && Synced.SequenceEqual(other.Synced);

    public override int GetHashCode() => HashCode.Combine(Primary, Term, Synced.Count);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Topology))]
internal sealed partial class TopologyJson : JsonSerializerContext;
