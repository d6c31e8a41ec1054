using Commons.Accounts;
using Commons.Audit;
using Commons.Http;
using Commons.OpenApi;
using static Commons.OpenApi.CommonParameters;

namespace Rez.Admin;

/// <summary>For the shop's own staff.</summary>
internal static class AdminRoutes
{
    private static readonly Operation ListUsersOperation = new(
        "listUsers", "Accounts, the newest first, or the one with an e-mail or phone", typeof(KeysetPage<User>),
        new Parameter("email", typeof(string), "Whole address."),
        new Parameter("phone", typeof(string), "Whole number with its country."),
        KeysetParameters.Limit,
        KeysetParameters.Cursor)
    { Access = Access.Admin };

    private static readonly Operation GetUserOperation = new("getUser", "One account", typeof(Item<User>), Id) { Access = Access.Admin, Problems = [404] };

    private static readonly Operation PatchUserOperation = new("patchUser", "Activates or deactivates an account, or changes its role; one that is not active loses its sessions at once", typeof(Item<User>), Id)
    {
        Access = Access.Admin, Body = typeof(UserChange), Problems = [404, 409, 413, 415],
    };

    public static void AddAdmin(this IServiceCollection services)
    {
        services.AddSingleton<AdminUsers>();
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Add(AdminJson.Default));
    }

    public static void MapAdmin(this RouteTable routes)
    {
        var users = routes.Of<AdminUsers>();
        routes.Map("GET", "/api/admin/users", users.ListAsync, ListUsersOperation);
        routes.Map("GET", "/api/admin/users/{id}", users.GetAsync, GetUserOperation);
        routes.Map("PATCH", "/api/admin/users/{id}", users.PatchAsync, PatchUserOperation);
        routes.Map("GET", "/api/admin/audit", routes.Of<AuditEndpoint>().HandleAsync, AuditEndpoint.Operation);
    }
}
