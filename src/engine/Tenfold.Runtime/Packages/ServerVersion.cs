using System.Globalization;
using System.Text.RegularExpressions;

namespace Tenfold.Runtime.Packages;

/// <summary>What a server says about itself with <c>--version</c>.</summary>
public static partial class ServerVersion
{
    /// <summary>Oldest PostgreSQL that is used.</summary>
    public const int OldestPostgres = 14;

    /// <summary>Oldest Redis that is used.</summary>
    public static readonly Version OldestRedis = new(6, 2);

    /// <summary>The major version in <c>postgres (PostgreSQL) 15.18 (Debian …)</c>, or null.</summary>
    public static int? Postgres(string text) =>
        PostgresPattern().Match(text) is { Success: true } match ? int.Parse(match.Groups["major"].ValueSpan, CultureInfo.InvariantCulture) : null;

    /// <summary>The version in <c>Redis server v=7.0.15 sha=…</c>, or null.</summary>
    public static Version? Redis(string text) =>
        RedisPattern().Match(text) is { Success: true } match && Version.TryParse(match.Groups["version"].ValueSpan, out var version) ? version : null;

    [GeneratedRegex(@"\(PostgreSQL\) (?<major>\d{1,4})", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PostgresPattern();

    [GeneratedRegex(@"v=(?<version>\d{1,4}\.\d{1,4}(\.\d{1,4})?)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RedisPattern();
}
