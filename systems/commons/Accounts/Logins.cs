namespace Commons.Accounts;

/// <summary>What accounts log in with, in the form in which it is kept and compared; null when it is none. Pure.</summary>
public static class Logins
{
    public const string EmailRule = "must be an e-mail address of at most 254 characters, such as ann@example.com";
    public const string PhoneRule = "must be a phone number with its country, such as +4915112345678";

    private const int LongestEmail = 254;
    private const int LongestMailbox = 64;

    /// <summary>An address in lower case. Whether it exists only a mail can tell.</summary>
    public static string? Email(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var email = text.Trim().ToLowerInvariant();
        var at = email.IndexOf('@', StringComparison.Ordinal);
        return email.Length <= LongestEmail && at is > 0 and <= LongestMailbox && email.LastIndexOf('@') == at && IsDomain(email.AsSpan(at + 1)) && !email.Any(c => char.IsWhiteSpace(c) || char.IsControl(c) || char.IsSurrogate(c))
            ? email
            : null;
    }

    /// <summary>A number as + and 7 to 15 digits (E.164), without what people write between them.</summary>
    public static string? Phone(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var digits = string.Concat(text.Where(c => c is not (' ' or '-' or '(' or ')' or '.' or '/')));
        return digits.Length is >= 8 and <= 16 && digits[0] == '+' && digits[1] is >= '1' and <= '9' && digits.AsSpan(1).IndexOfAnyExceptInRange('0', '9') < 0 ? digits : null;
    }

    private static bool IsDomain(ReadOnlySpan<char> domain) =>
        domain.IndexOf('.') > 0 && domain[^1] != '.' && domain[0] != '-' && domain.IndexOf("..") < 0;
}
