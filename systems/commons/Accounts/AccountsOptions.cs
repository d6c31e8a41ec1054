namespace Commons.Accounts;

/// <summary>How accounts are kept. Immutable.</summary>
public sealed record AccountsOptions
{
    /// <summary>Begins the name of the cookie: <c>NAME_session</c>.</summary>
    public required string System { get; init; }

    /// <summary>Name of the Redis, among the connection strings, that counts failed logins for all instances. Default <c>cache</c>.</summary>
    public string Redis { get; init; } = "cache";

    /// <summary>How long a browser's session lasts since it was used last. Default 24 h.</summary>
    public TimeSpan BrowserIdle { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How long a browser's session lasts at most. Default 30 days.</summary>
    public TimeSpan BrowserLifetime { get; init; } = TimeSpan.FromDays(30);

    /// <summary>How long an app's access token lasts. Default 15 min.</summary>
    public TimeSpan AccessLifetime { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>How long an app's refresh token lasts, and so its session without being used. Default 30 days.</summary>
    public TimeSpan RefreshLifetime { get; init; } = TimeSpan.FromDays(30);

    /// <summary>A session's time of last use is noted when the noted one is older than this. Default 10 min.</summary>
    public TimeSpan NoteUseEvery { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Iterations of a password's hash. Default 210,000: OWASP's figure for PBKDF2 with HMAC-SHA512.</summary>
    public int PasswordIterations { get; init; } = 210_000;

    /// <summary>Passwords that an instance hashes at the same time. Default half of its processors, at least 1.</summary>
    public int HashesAtOnce { get; init; } = Math.Max(1, Environment.ProcessorCount / 2);

    /// <summary>Logins that may wait for their turn to hash; further ones get 503 at once. Default 16.</summary>
    public int HashesWaiting { get; init; } = 16;

    /// <summary>How long they wait before they get 503. Default 2 s.</summary>
    public TimeSpan HashPatience { get; init; } = TimeSpan.FromSeconds(2);

    internal string Cookie => $"{System}_session";
}
