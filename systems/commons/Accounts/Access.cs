namespace Commons.Accounts;

/// <summary>Who may call an operation, by role. What belongs to one user or merchant is looked at by the operation itself.</summary>
[Flags]
public enum Access
{
    /// <summary>Everybody, logged in or not. Who it is is not looked at: such operations cost nothing and have no identity.</summary>
    Anyone = 0,
    Customer = 1,
    Merchant = 2,
    Admin = 4,

    /// <summary>Everybody, and who is logged in is known (<see cref="IdentityExtensions.FindIdentity"/>).</summary>
    Guest = 8,

    /// <summary>Whoever is logged in.</summary>
    User = Customer | Merchant | Admin,

    /// <summary>Merchants and administrators.</summary>
    Staff = Merchant | Admin,
}
