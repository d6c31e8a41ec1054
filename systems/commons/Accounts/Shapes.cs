using System.Text.Json.Serialization;
using static Commons.Http.JsonBody;

namespace Commons.Accounts;

// What goes over the wire.

/// <summary>An account as its owner and administrators see it.</summary>
public sealed record User(string Id, string? Email, string? Phone, string Name, string Role, long? ActsFor, bool IsActive, DateTime CreatedAt, DateTime UpdatedAt, int Version)
{
    internal static User Of(Account account) => new(
        account.Id.ToString(), account.Email, account.Phone, account.Name, account.Role.Name(), account.ActsFor, account.IsActive, account.CreatedAt, account.UpdatedAt, account.Version);
}

/// <summary>An app gets tokens; a browser gets a cookie instead. <paramref name="ExpiresIn"/> is of the access token, in seconds.</summary>
public sealed record LoggedIn(
    User User,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? AccessToken = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? RefreshToken = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? TokenType = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? ExpiresIn = null);

public sealed record Tokens(string AccessToken, string RefreshToken, string TokenType, int ExpiresIn);

public sealed record SessionView(string Id, string Kind, string Address, string Agent, DateTime CreatedAt, DateTime UsedAt, DateTime ExpiresAt, bool IsCurrent);

/// <summary>How many sessions have ended.</summary>
public sealed record EndedSessions(int Ended);

/// <summary>E-mail or phone, or both.</summary>
internal sealed class Registration
{
    public string? Name { get; set => field = NotNull(value, "name"); }

    public string? Email { get; set => field = NotNull(value, "email"); }

    public string? Phone { get; set => field = NotNull(value, "phone"); }

    public string? Password { get; set => field = NotNull(value, "password"); }

    /// <summary><c>app</c> (tokens; when not given) or <c>browser</c> (a cookie).</summary>
    public string? Client { get; set => field = NotNull(value, "client"); }

    public Dictionary<string, string[]> Errors()
    {
        var errors = new FieldErrors().Name(Name, required: true).Email(Email).Phone(Phone).Client(Client);
        errors.When(Email is null && Phone is null, "email", "is missing; give email, phone or both");
        errors.When(Passwords.Fault(Password) is not null, "password", Passwords.Fault(Password) ?? "");
        return errors;
    }
}

/// <summary>E-mail or phone, and the password.</summary>
internal sealed class Credential
{
    public string? Email { get; set => field = NotNull(value, "email"); }

    public string? Phone { get; set => field = NotNull(value, "phone"); }

    public string? Password { get; set => field = NotNull(value, "password"); }

    /// <summary><c>app</c> (tokens; when not given) or <c>browser</c> (a cookie).</summary>
    public string? Client { get; set => field = NotNull(value, "client"); }

    public Dictionary<string, string[]> Errors()
    {
        var errors = new FieldErrors().Email(Email).Phone(Phone).Client(Client);
        errors.When(Email is null == Phone is null, "email", Email is null ? "is missing; give email or phone" : "cannot be given together with phone; give one of them");
        return errors.Password("password", Password);
    }
}

internal sealed class RefreshBody
{
    public string? RefreshToken { get; set => field = NotNull(value, "refreshToken"); }

    public Dictionary<string, string[]> Errors()
    {
        var errors = new FieldErrors();
        errors.When(RefreshToken is null, "refreshToken", "is missing");
        return errors;
    }
}

/// <summary>What an account's owner may change; e-mail and phone only with the password.</summary>
internal sealed class ProfileChange
{
    public string? Name { get; set => field = NotNull(value, "name"); }

    public string? Email { get; set => field = NotNull(value, "email"); }

    public string? Phone { get; set => field = NotNull(value, "phone"); }

    /// <summary>The present one.</summary>
    public string? Password { get; set => field = NotNull(value, "password"); }

    [JsonIgnore]
    public bool NeedsPassword => Email is not null || Phone is not null;

    public Dictionary<string, string[]> Errors()
    {
        var errors = new FieldErrors().Name(Name, required: false).Email(Email).Phone(Phone);
        errors.When(Name is null && !NeedsPassword, "body", "changes nothing; give at least one of name, email, phone");
        if (NeedsPassword)
        {
            errors.Password("password", Password);
        }

        return errors;
    }
}

internal sealed class PasswordChange
{
    public string? CurrentPassword { get; set => field = NotNull(value, "currentPassword"); }

    public string? NewPassword { get; set => field = NotNull(value, "newPassword"); }

    public Dictionary<string, string[]> Errors()
    {
        var errors = new FieldErrors().Password("currentPassword", CurrentPassword);
        errors.When(Passwords.Fault(NewPassword) is not null, "newPassword", Passwords.Fault(NewPassword) ?? "");
        errors.When(NewPassword is not null && NewPassword == CurrentPassword, "newPassword", "is the present one");
        return errors;
    }
}

/// <summary>Errors by field; the first one of a field counts.</summary>
internal sealed class FieldErrors() : Dictionary<string, string[]>(StringComparer.Ordinal)
{
    public FieldErrors When(bool wrong, string field, string message)
    {
        if (wrong)
        {
            TryAdd(field, [message]);
        }

        return this;
    }

    public FieldErrors Name(string? name, bool required) => When(name is null && required, "name", "is missing")
        .When(name is not null && (name.Trim().Length is < 1 or > 120 || name.Length > 120 || name.Any(char.IsControl)), "name", "must have 1 to 120 characters, none of them control characters");

    public FieldErrors Email(string? email) => When(email is not null && Logins.Email(email) is null, "email", Logins.EmailRule);

    public FieldErrors Phone(string? phone) => When(phone is not null && Logins.Phone(phone) is null, "phone", Logins.PhoneRule);

    /// <summary>Of one that is to be checked: what cannot be one is not hashed.</summary>
    public FieldErrors Password(string field, string? password) => When(password is null, field, "is missing")
        .When(password is { Length: 0 or > Passwords.Longest }, field, $"must have 1 to {Passwords.Longest} characters");

    public FieldErrors Client(string? client) => When(client is not (null or "app" or "browser"), "client", "must be one of app, browser");
}
