namespace Tenfold.Postgres;

/// <summary>One server of a store, as of the last look.</summary>
/// <param name="Server">Host and port.</param>
/// <param name="IsPrimary">It takes the writes.</param>
/// <param name="Serves">The primary answers; the replica is within the lag limit.</param>
/// <param name="Lag">How old a replica's view is at most; null for the primary, and where it is not known.</param>
/// <param name="Position">Where it is in the log; null when it did not answer, and for a single server, which is not watched.</param>
/// <param name="Failure">Why it did not answer.</param>
public sealed record ServerStatus(string Server, bool IsPrimary, bool Serves, TimeSpan? Lag, ReadToken? Position, string? Failure);
