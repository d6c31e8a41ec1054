using Commons.Accounts;
using static Commons.Http.JsonBody;

namespace Rez.Admin;

/// <summary>What an administrator changes of an account.</summary>
internal sealed class UserChange
{
    public bool? IsActive { get; set => field = NotNull(value, "isActive"); }

    /// <summary>customer, merchant or admin.</summary>
    public string? Role { get; set => field = NotNull(value, "role"); }

    /// <summary>Of a merchant's account, with the role: whose products, stock and orders it may change.</summary>
    public int? MerchantId { get; set => field = NotNull(value, "merchantId"); }

    public AccountStanding Standing() => new(IsActive, Role is null ? null : Roles.ByName[Role], MerchantId);

    public Dictionary<string, string[]> Errors()
    {
        var errors = new Dictionary<string, string[]>(StringComparer.Ordinal);
        if (Role is not null && !Roles.ByName.ContainsKey(Role))
        {
            errors["role"] = [$"must be one of {string.Join(", ", Roles.ByName.Keys)}"];
        }

        if (MerchantId is null == (Role == "merchant"))
        {
            errors["merchantId"] = [MerchantId is null ? "is missing; an account with the role merchant acts for a merchant" : "is given with the role merchant only"];
        }

        if (IsActive is null && Role is null)
        {
            errors.TryAdd("body", ["changes nothing; give isActive, role or both"]);
        }

        return errors;
    }
}
