using Microsoft.AspNetCore.Http;
using Tenfold.AspNetCore.Errors;

namespace Commons.Accounts;

/// <summary>Answers to logins that are not made.</summary>
internal static class Refusals
{
    /// <summary>The same, whether the account or the password is wrong.</summary>
    public static Task WrongAsync(HttpContext context) =>
        Problem.WriteAsync(context, StatusCodes.Status401Unauthorized, "There is no account with this e-mail or phone and this password.");

    public static Task TooManyAsync(HttpContext context, TimeSpan wait)
    {
        var seconds = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds));
        context.Response.Headers.RetryAfter = seconds.ToString();
        return Problem.WriteAsync(context, StatusCodes.Status429TooManyRequests, $"Too many failed logins. Try again in {seconds} s.");
    }

    public static Task BusyAsync(HttpContext context)
    {
        context.Response.Headers.RetryAfter = "1";
        return Problem.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "This instance checks as many passwords as it can already. Try again in 1 s.");
    }

    public static Task TakenAsync(HttpContext context, string field) => Problem.WriteAsync(
        context, StatusCodes.Status409Conflict, $"Another account has this {field}.", Http.JsonBody.Error(field, "is another account's"));
}
