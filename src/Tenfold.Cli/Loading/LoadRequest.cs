namespace Tenfold.Cli.Loading;

/// <summary>The arguments of <c>tenfold load</c>, as they were written.</summary>
internal sealed record LoadRequest(string System, string? Test, string? For, string? Target, string? Json, int Seed, int MostInFlight, int? Threads, bool Insecure);
