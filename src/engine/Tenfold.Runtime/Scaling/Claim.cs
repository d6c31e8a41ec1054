using System.Text.Json;
using Tenfold.Guide;
using Tenfold.Runtime.Control;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Scaling;

/// <summary>What a system has been promised of its machine: the limits of its instances, and the memory of its stores.</summary>
/// <param name="Millicores">Thousandths of a core.</param>
/// <param name="MemoryBytes">Memory.</param>
public sealed record Claim(long Millicores, long MemoryBytes)
{
    /// <summary>Nothing.</summary>
    public static readonly Claim None = new(0, 0);

    /// <summary>So many instances. What has no limit is promised nothing.</summary>
    public static Claim Of(InstanceSize size, int count)
    {
        ArgumentNullException.ThrowIfNull(size);
        return new Claim((long)(size.Cpu?.Millicores ?? 0) * count, (size.Memory?.Bytes ?? 0) * count);
    }

    /// <summary>The stores of a guide: a server for each database and each replica that there may be, with the memory that the guide gives it.</summary>
    public static Claim OfStores(SystemGuide guide)
    {
        ArgumentNullException.ThrowIfNull(guide);
        return new Claim(0, guide.Stores.Values.Sum(store => store.MemoryLimit.Bytes * (store.Engine == StoreEngine.Postgres ? store.Shards * (1 + store.MostReplicas) : 1)));
    }

    /// <summary>Both together.</summary>
    public Claim Plus(Claim other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new Claim(Millicores + other.Millicores, MemoryBytes + other.MemoryBytes);
    }

    /// <summary>Tells other systems of this machine.</summary>
    /// <exception cref="RuntimeException">It cannot be written.</exception>
    internal void Write(SystemState state) => StateFolder.Write(FileOf(state), JsonSerializer.Serialize(this, ControlJson.Default.Claim));

    /// <summary>Takes it back.</summary>
    internal static void Remove(SystemState state)
    {
        try
        {
            File.Delete(FileOf(state));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Nobody believes it without a host.
        }
    }

    /// <summary>Those of the other systems that are up and keep their state beside this one's, all together.</summary>
    internal static Claim OfOthers(SystemState state)
    {
        var sum = None;
        var root = Path.GetDirectoryName(state.Folder);
        foreach (var folder in root is not null && Directory.Exists(root) ? Directory.EnumerateDirectories(root) : [])
        {
            if (folder != state.Folder && Read(SystemState.At(folder, Path.GetFileName(folder))) is { } other)
            {
                sum = sum.Plus(other);
            }
        }

        return sum;
    }

    private static string FileOf(SystemState state) => Path.Combine(state.Run, "claim.json");

    private static Claim? Read(SystemState other)
    {
        try
        {
            return other.IsThere && HostLock.Owner(other) is not null && StateFolder.ReadIfThere(FileOf(other)) is { } text
                ? JsonSerializer.Deserialize(text, ControlJson.Default.Claim)
                : null;
        }
        catch (Exception e) when (e is RuntimeException or JsonException or IOException or UnauthorizedAccessException)
        {
            return null; // another user's
        }
    }
}
