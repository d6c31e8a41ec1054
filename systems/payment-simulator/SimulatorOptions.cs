namespace PaymentSimulator;

/// <summary>Settings, of the configuration's section <c>Simulator</c> (<c>Simulator__SecretKey</c> in the environment).</summary>
internal sealed record SimulatorOptions
{
    /// <summary>What callers send as <c>Authorization: Bearer …</c>. Required.</summary>
    public required string SecretKey { get; init; }

    /// <summary>Where events are sent; what begins with a slash is at the system's own gateway. Default: none, and no events.</summary>
    public Uri? WebhookUrl { get; init; }

    /// <summary>Key of the events' signatures. Required with <see cref="WebhookUrl"/>.</summary>
    public string WebhookSecret { get; init; } = "";

    /// <summary>The file that everything is kept in. Default: <c>payment-simulator.jsonl</c>, under <c>tenfold up</c> in the folder that instances share.</summary>
    public required string Data { get; init; }

    /// <summary>Path before all others, such as <c>/provider</c>. Default: none.</summary>
    public string PathBase { get; init; } = "";

    /// <summary>The first pause before an event is sent again, doubled each time up to 1 min. Default 1 s.</summary>
    public TimeSpan WebhookPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <exception cref="InvalidOperationException">Something is missing or wrong; the message says what to set.</exception>
    public static SimulatorOptions Read(IConfiguration configuration)
    {
        var section = configuration.GetSection("Simulator");
        var url = section["WebhookUrl"] is { Length: > 0 } text ? Address(text, configuration["TENFOLD_GATEWAY"]) : null;
        var files = configuration["TENFOLD_FILES"];
        return new SimulatorOptions
        {
            SecretKey = section["SecretKey"] is { Length: > 0 } key ? key : throw Wrong("SecretKey", "is missing; set the key that callers send as a bearer token"),
            WebhookUrl = url,
            WebhookSecret = section["WebhookSecret"] is { Length: > 0 } secret ? secret : url is null ? "" : throw Wrong("WebhookSecret", "is missing; events are signed with it"),
            Data = section["Data"] is { Length: > 0 } data ? data : Path.Combine(files is { Length: > 0 } ? files : ".", "payment-simulator.jsonl"),
            PathBase = section["PathBase"] ?? "",
            WebhookPause = section["WebhookPause"] is { Length: > 0 } pause
                ? TimeSpan.TryParse(pause, out var span) && span > TimeSpan.Zero ? span : throw Wrong("WebhookPause", $"is '{pause}'; it must be a time such as 00:00:01")
                : TimeSpan.FromSeconds(1),
        };
    }

    private static Uri Address(string text, string? gateway)
    {
        var whole = text[0] != '/' ? text : gateway is { Length: > 0 } ? gateway.TrimEnd('/') + text : throw Wrong("WebhookUrl", $"is '{text}', a path at the gateway, and TENFOLD_GATEWAY is not set");
        return Uri.TryCreate(whole, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" ? url : throw Wrong("WebhookUrl", $"is '{text}'; it must be an http or https URL");
    }

    private static InvalidOperationException Wrong(string name, string what) => new($"Simulator:{name} {what} (in the environment Simulator__{name}).");
}
