using Commons.Http;
using Microsoft.AspNetCore.Http;
using Tenfold.AspNetCore;

namespace Commons.Accounts;

/// <summary><c>POST /api/auth/register</c>: a customer's account, which is logged in at once.</summary>
internal sealed class Register(AccountTable accounts, Passwords passwords, Sessions sessions, LoginReply reply)
{
    public async Task HandleAsync(HttpContext context)
    {
        if (!await new QueryParameters(context).AnswerErrorsAsync(context) || await JsonBody.ReadAsync(context, AccountsJson.Default.Registration, "registration", body => body.Errors()) is not { } body)
        {
            return;
        }

        string hash;
        using (var slot = await passwords.EnterAsync(context.RequestAborted))
        {
            if (slot is null)
            {
                await Refusals.BusyAsync(context);
                return;
            }

            hash = await slot.HashAsync(body.Password!);
        }

        var account = new NewAccount(body.Email is null ? null : Logins.Email(body.Email), body.Phone is null ? null : Logins.Phone(body.Phone), body.Name!.Trim(), Access.Customer, null, hash);
        var added = await accounts.AddAsync(account, context.Caller(), context.RequestAborted);
        if (added.Id is not { } id)
        {
            await Refusals.TakenAsync(context, added.Taken!);
            return;
        }

        var kind = LoginReply.Kind(body.Client);
        var session = await sessions.CreateAsync(id, kind, Devices.Of(context), context.Caller(), context.RequestAborted);
        var made = await accounts.FindAsync(id, context.Caller(), context.RequestAborted);
        await reply.SendAsync(context, made!, kind, session!, StatusCodes.Status201Created);
    }
}

/// <summary>Where requests come from.</summary>
internal static class Devices
{
    public static Device Of(HttpContext context) => new(context.ClientAddress().ToString(), context.Request.Headers.UserAgent.ToString());
}
