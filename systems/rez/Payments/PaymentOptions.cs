using System.Globalization;

namespace Rez.Payments;

/// <summary>The settings, or that there are none.</summary>
internal sealed record PaymentSettings(PaymentOptions? Options)
{
    /// <inheritdoc cref="PaymentOptions.Horizon"/>
    public TimeSpan Horizon => Options?.Horizon ?? TimeSpan.FromMinutes(2);

    /// <summary>When the job looks after a payment whose request has not come to an end.</summary>
    public TimeSpan LookAfter => (Options?.WholeTimeout ?? TimeSpan.Zero) + TimeSpan.FromSeconds(1);
}

/// <summary>How the payment provider is reached: the configuration's section <c>Payments</c> (<c>Payments__Url</c> in the environment).</summary>
internal sealed record PaymentOptions
{
    /// <summary>What the simulator's keys are called in the guide: no secrets.</summary>
    private const string Simulated = "simulator";

    /// <summary>The provider's address, such as <c>https://api.stripe.com/</c>; one that begins with a slash is at the system's own gateway.</summary>
    public required Uri Url { get; init; }

    /// <summary>Sent as a bearer token.</summary>
    public required string SecretKey { get; init; }

    /// <summary>Webhooks are signed with it.</summary>
    public required string WebhookSecret { get; init; }

    /// <summary>Currency of all prices, three letters. Default usd.</summary>
    public string Currency { get; init; } = "usd";

    /// <summary>How long one request to the provider may take. Default 10 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A charge that the provider does not know of so long after it was asked for did not happen. At least three times <see cref="Timeout"/>. Default 2 min.</summary>
    public TimeSpan Horizon { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The provider is left alone when half of so many requests within 10 s have failed. Default 10.</summary>
    public int BreakerCalls { get; init; } = 10;

    /// <summary>For so long; then one request tries whether it is back. Default 5 s.</summary>
    public TimeSpan BreakerPause { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a request to the provider may take with its repetitions.</summary>
    public TimeSpan WholeTimeout => Timeout + TimeSpan.FromSeconds(2);

    /// <summary>The settings; null when there are none, and nothing can be paid.</summary>
    /// <exception cref="InvalidOperationException">Something is missing or wrong; the message says what to set.</exception>
    public static PaymentOptions? Read(IConfiguration configuration)
    {
        var section = configuration.GetSection("Payments");
        if (!section.GetChildren().Any(setting => !string.IsNullOrEmpty(setting.Value)))
        {
            return null;
        }

        var defaults = new { Timeout = TimeSpan.FromSeconds(10), Horizon = TimeSpan.FromMinutes(2) };
        var options = new PaymentOptions
        {
            Url = Address(Required(section, "Url", "the provider's address, such as https://api.stripe.com/"), configuration["TENFOLD_GATEWAY"]),
            SecretKey = Required(section, "SecretKey", "the provider's secret key"),
            WebhookSecret = Required(section, "WebhookSecret", "the key that webhooks are signed with"),
            Currency = section["Currency"] is not { Length: > 0 } currency ? "usd" : currency.Length == 3 ? currency.ToLowerInvariant() : throw Wrong("Currency", $"is '{currency}'; it must be three letters"),
            Timeout = Time(section, "Timeout", defaults.Timeout),
            Horizon = Time(section, "Horizon", defaults.Horizon),
            BreakerCalls = section["BreakerCalls"] is not { Length: > 0 } calls ? 10
                : int.TryParse(calls, NumberStyles.None, null, out var number) && number >= 2 ? number : throw Wrong("BreakerCalls", $"is '{calls}'; it must be a whole number from 2"),
            BreakerPause = Time(section, "BreakerPause", TimeSpan.FromSeconds(5)),
        };
        if (!options.Url.IsLoopback && (options.SecretKey.Contains(Simulated, StringComparison.Ordinal) || options.WebhookSecret.Contains(Simulated, StringComparison.Ordinal)))
        {
            throw Wrong("Url", $"is '{options.Url}', and SecretKey or WebhookSecret is the simulator's, which everybody knows; set both");
        }

        return options.Horizon >= options.Timeout * 3
            ? options
            : throw Wrong("Horizon", $"is {options.Horizon}; it must be at least three times Timeout ({options.Timeout}), so that no request is under way any more");
    }

    private static Uri Address(string text, string? gateway)
    {
        var whole = text[0] != '/' ? text : gateway is { Length: > 0 } ? gateway.TrimEnd('/') + text : throw Wrong("Url", $"is '{text}', a path at the gateway, and TENFOLD_GATEWAY is not set");
        return Uri.TryCreate(whole, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" ? new Uri(url.AbsoluteUri.TrimEnd('/') + "/") : throw Wrong("Url", $"is '{text}'; it must be an http or https URL");
    }

    private static string Required(IConfigurationSection section, string name, string what) => section[name] is { Length: > 0 } value ? value : throw Wrong(name, $"is missing: {what}");

    private static TimeSpan Time(IConfigurationSection section, string name, TimeSpan ifAbsent) =>
        section[name] is not { Length: > 0 } text ? ifAbsent
        : TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var time) && time >= TimeSpan.FromMilliseconds(500) && time <= TimeSpan.FromHours(12) ? time
        : throw Wrong(name, $"is '{text}'; it must be a time from 00:00:00.5 to 12:00:00");

    private static InvalidOperationException Wrong(string name, string what) => new($"Payments:{name} {what} (in the environment Payments__{name}).");
}
