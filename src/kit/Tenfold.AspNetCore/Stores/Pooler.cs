using Microsoft.Extensions.Configuration;

namespace Tenfold.AspNetCore.Stores;

/// <summary>That a store's connection string leads to poolers in transaction mode: configuration <c>Tenfold:Pooler:STORE</c>.</summary>
/// <param name="ReaderDatabase">The name of the read-only database.</param>
/// <param name="Direct">Connection string past the pooler, for what needs a session of its own; null for none.</param>
internal sealed record Pooler(string ReaderDatabase, string? Direct)
{
    /// <param name="configuration">Environment: <c>Tenfold__Pooler__main__ReaderDatabase</c>, <c>Tenfold__Pooler__main__Direct</c>.</param>
    /// <param name="name">A connection string's name; a further database of a sharded store (<c>main_1</c>) has the reader database of the store where it says nothing.</param>
    /// <exception cref="InvalidOperationException">It says that there is one, but not its reader database.</exception>
    public static Pooler? Of(IConfiguration configuration, string name)
    {
        var (own, store) = (configuration.GetSection($"Tenfold:Pooler:{name}"), configuration.GetSection($"Tenfold:Pooler:{name.Split('_')[0]}"));
        if (!own.Exists() && !store.Exists())
        {
            return null;
        }

        return (own["ReaderDatabase"] ?? store["ReaderDatabase"]) is { Length: > 0 } reader
            ? new Pooler(reader, own["Direct"])
            : throw new InvalidOperationException($"Tenfold:Pooler:{name} says that store '{name}' is behind a pooler: it needs ReaderDatabase, the pooler's name for the same database with connect_query = 'SET default_transaction_read_only = on'.");
    }
}
