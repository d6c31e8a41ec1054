using Commons.Http;
using Commons.OpenApi;
using static Commons.OpenApi.CommonParameters;

namespace Commons.Accounts;

/// <summary>Registering, logging in and out, sessions, and one's own account.</summary>
public static class AccountsRoutes
{
    private static readonly Operation RegisterOperation = new("register", "Makes a customer's account, with e-mail, phone or both, and logs it in", typeof(Item<LoggedIn>))
    {
        Body = typeof(Registration), Status = 201, Problems = [409, 413, 415, 429],
    };

    private static readonly Operation LogInOperation = new(
        "logIn", "Logs in by e-mail or phone; client: app gets tokens, browser a cookie. The same answer for an account that there is not and for a wrong password", typeof(Item<LoggedIn>))
    {
        Body = typeof(Credential), Problems = [401, 403, 413, 415, 429],
    };

    private static readonly Operation RefreshOperation = new("refresh", "A new access token and the next refresh token for a refresh token, which can be used once: the second time ends its session", typeof(Item<Tokens>))
    {
        Body = typeof(RefreshBody), Problems = [401, 413, 415],
    };

    private static readonly Operation LogOutOperation = new("logOut", "Ends the session of this token or cookie", typeof(Item<EndedSessions>)) { Access = Access.User };

    private static readonly Operation ListSessionsOperation = new("listSessions", "Where one is logged in, the newest first, at most 200", typeof(Item<SessionView[]>)) { Access = Access.User };

    private static readonly Operation EndSessionOperation = new("endSession", "Ends one of one's own sessions", typeof(Item<EndedSessions>), Id) { Access = Access.User, Problems = [404] };

    private static readonly Operation EndOtherSessionsOperation = new("endOtherSessions", "Ends all of one's own sessions but this one", typeof(Item<EndedSessions>)) { Access = Access.User };

    private static readonly Operation GetMeOperation = new("getMe", "One's own account", typeof(Item<User>)) { Access = Access.User };

    private static readonly Operation PatchMeOperation = new("patchMe", "Changes what is given of one's own account; e-mail and phone need the password", typeof(Item<User>))
    {
        Access = Access.User, Body = typeof(ProfileChange), Problems = [404, 409, 413, 415, 429],
    };

    private static readonly Operation ChangePasswordOperation = new("changePassword", "Another password, which ends all other sessions", typeof(Item<EndedSessions>))
    {
        Access = Access.User, Body = typeof(PasswordChange), Problems = [409, 413, 415, 429],
    };

    public static void MapAccounts(this RouteTable routes)
    {
        ArgumentNullException.ThrowIfNull(routes);
        var sessions = routes.Of<SessionEndpoints>();
        var profile = routes.Of<Profile>();
        routes.Map("POST", "/api/auth/register", routes.Of<Register>().HandleAsync, RegisterOperation);
        routes.Map("POST", "/api/auth/login", routes.Of<LogIn>().HandleAsync, LogInOperation);
        routes.Map("POST", "/api/auth/refresh", routes.Of<RefreshEndpoint>().HandleAsync, RefreshOperation);
        routes.Map("POST", "/api/auth/logout", sessions.LogOutAsync, LogOutOperation);
        routes.Map("GET", "/api/auth/sessions", sessions.ListAsync, ListSessionsOperation);
        routes.Map("DELETE", "/api/auth/sessions/{id}", sessions.EndAsync, EndSessionOperation);
        routes.Map("DELETE", "/api/auth/sessions", sessions.EndOthersAsync, EndOtherSessionsOperation);
        routes.Map("GET", "/api/users/me", profile.GetAsync, GetMeOperation);
        routes.Map("PATCH", "/api/users/me", profile.PatchAsync, PatchMeOperation);
        routes.Map("POST", "/api/users/me/password", profile.ChangePasswordAsync, ChangePasswordOperation);
    }
}
