namespace Tenfold.Postgres;

/// <summary>How many connections a store may open to a server, and how many that one takes.</summary>
/// <param name="Server">Host and port.</param>
/// <param name="Most">What this store may have open there at once: its pools, and one to watch it.</param>
/// <param name="Allowed">What the server takes from the store's role in all.</param>
/// <param name="By">Which of the server's settings says so.</param>
public sealed record ServerConnections(string Server, int Most, int Allowed, string By);
