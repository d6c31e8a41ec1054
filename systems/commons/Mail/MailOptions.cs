using System.Net.Mail;
using Microsoft.Extensions.Configuration;

namespace Commons.Mail;

/// <summary>Where mail goes, under <c>Mail</c> in the configuration (as environment variables: <c>Mail__From</c>).</summary>
public sealed record MailOptions
{
    /// <summary><c>Mail:From</c>: who it is from.</summary>
    public required MailAddress From { get; init; }

    /// <summary><c>Mail:Spool</c>: the folder that mails are put into as .eml files, when there is no <see cref="Host"/>.</summary>
    public required string Spool { get; init; }

    /// <summary><c>Mail:Smtp:Host</c>: the server that mails are given to. Null: they are put into <see cref="Spool"/>.</summary>
    public string? Host { get; init; }

    /// <summary><c>Mail:Smtp:Port</c>. Default 587 with <see cref="Tls"/>, else 25.</summary>
    public int Port { get; init; }

    /// <summary><c>Mail:Smtp:Tls</c>: STARTTLS is insisted upon. Default true.</summary>
    public bool Tls { get; init; } = true;

    /// <summary><c>Mail:Smtp:User</c> and <c>Mail:Smtp:Password</c>: whom the server knows; both or neither.</summary>
    public string? User { get; init; }

    public string? Password { get; init; }

    /// <summary>Reads them.</summary>
    /// <param name="configuration">The app's.</param>
    /// <param name="system">Name of the system: of the default folder (under the user's data) and sender.</param>
    /// <exception cref="InvalidOperationException">A value is not one, or values contradict each other.</exception>
    public static MailOptions Read(IConfiguration configuration, string system)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var mail = configuration.GetSection("Mail");
        var from = Text(mail, "From") ?? $"{system} <noreply@{system}.example>";
        var spool = Text(mail, "Spool") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), system, "mail");
        var host = Text(mail, "Smtp:Host");
        var (user, password) = (Text(mail, "Smtp:User"), Text(mail, "Smtp:Password"));
        var tls = Text(mail, "Smtp:Tls") is not { } said || (bool.TryParse(said, out var yes) ? yes : throw Wrong("Smtp:Tls", said, "true or false"));
        var port = Text(mail, "Smtp:Port") is { } number
            ? int.TryParse(number, out var given) && given is > 0 and < 65536 ? given : throw Wrong("Smtp:Port", number, "a port from 1 to 65535")
            : tls ? 587 : 25;
        if (host is not null && Text(mail, "Spool") is not null)
        {
            throw new InvalidOperationException("Mail:Spool and Mail:Smtp:Host are both given; mails go to one place.");
        }

        if (user is null != password is null || (user is not null && !tls))
        {
            throw new InvalidOperationException(user is null != password is null ? "Mail:Smtp:User and Mail:Smtp:Password belong together; one of them is missing." : "Mail:Smtp:Password would be sent in the clear: Mail:Smtp:Tls must be true.");
        }

        return new MailOptions
        {
            From = MailAddress.TryCreate(from, out var address) ? address : throw Wrong("From", from, "an address, such as Shop <orders@shop.example>"),
            Spool = Path.IsPathFullyQualified(spool) ? spool : throw Wrong("Spool", spool, "an absolute path"),
            Host = host,
            Port = port,
            Tls = tls,
            User = user,
            Password = password,
        };
    }

    private static string? Text(IConfiguration mail, string key) => mail[key] is { Length: > 0 } text ? text : null;

    private static InvalidOperationException Wrong(string key, string value, string allowed) => new($"Mail:{key} is '{value}'; it must be {allowed}.");
}
