using Commons.Accounts;

namespace Rez.Admin;

/// <summary><c>rez admin create</c>: the first administrator, whom nobody could make over the API.</summary>
internal static class AdminCommand
{
    public const string PasswordVariable = "REZ_ADMIN_PASSWORD";

    private const string Usage = $"usage: rez admin create --email ADDRESS [--name NAME]    the password comes from {PasswordVariable} or, one line, from standard input";

    /// <summary>What the arguments ask for; null when they are wrong.</summary>
    public static (string Email, string Name)? Parse(IReadOnlyList<string> args) => args switch
    {
        ["create", "--email", var email] when Logins.Email(email) is { } normal => (normal, "Administrator"),
        ["create", "--email", var email, "--name", { Length: > 0 and <= 120 } name] when Logins.Email(email) is { } normal => (normal, name),
        _ => null,
    };

    /// <returns>Exit code: 0 made, 1 refused, 2 wrong arguments.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> args, string? password, TextReader input, TextWriter output, TextWriter errors, AccountAdmin accounts, CancellationToken cancel)
    {
        if (Parse(args) is not var (email, name))
        {
            await errors.WriteLineAsync(Usage);
            return 2;
        }

        password = string.IsNullOrEmpty(password) ? await input.ReadLineAsync(cancel) : password;
        if (Passwords.Fault(password) is { } fault)
        {
            await errors.WriteLineAsync($"The password {fault}.");
            return 2;
        }

        var added = await accounts.AddAdministratorAsync(email, name, password!, cancel);
        if (added.Id is null)
        {
            await errors.WriteLineAsync($"There is an account with the e-mail address {email} already; an administrator can give it the role admin (PATCH /api/admin/users/ID).");
            return 1;
        }

        await output.WriteLineAsync($"{email} is an administrator (account {added.Id}).");
        return 0;
    }
}
