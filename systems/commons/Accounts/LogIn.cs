using Commons.Http;
using Microsoft.AspNetCore.Http;
using Tenfold.AspNetCore;
using Tenfold.AspNetCore.Errors;

namespace Commons.Accounts;

/// <summary><c>POST /api/auth/login</c>, by e-mail or phone.</summary>
internal sealed class LogIn(AccountTable accounts, PasswordGate gate, Sessions sessions, LoginReply reply)
{
    public async Task HandleAsync(HttpContext context)
    {
        if (!await new QueryParameters(context).AnswerErrorsAsync(context) || await JsonBody.ReadAsync(context, AccountsJson.Default.Credential, "login", body => body.Errors()) is not { } body)
        {
            return;
        }

        var email = body.Email is null ? null : Logins.Email(body.Email);
        var phone = body.Phone is null ? null : Logins.Phone(body.Phone);
        var account = await gate.OpenAsync(
            context,
            email ?? phone!,
            caller => email is null ? accounts.WithPhoneAsync(phone!, caller, context.RequestAborted) : accounts.WithEmailAsync(email, caller, context.RequestAborted),
            body.Password!);
        if (account is null)
        {
            return;
        }

        var kind = LoginReply.Kind(body.Client);
        if (await sessions.CreateAsync(account.Id, kind, Devices.Of(context), context.Caller(), context.RequestAborted) is { } session)
        {
            await reply.SendAsync(context, account, kind, session, StatusCodes.Status200OK);
        }
        else
        {
            await Problem.WriteAsync(context, StatusCodes.Status403Forbidden, "This account has been deactivated."); // whoever hears this knew the password
        }
    }
}
