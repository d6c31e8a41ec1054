namespace Commons.Accounts;

/// <summary>Who may call an operation, by role. What belongs to one user or merchant is looked at by the operation itself.</summary>
[Flags]
public enum Access
{
    /// <summary>Everybody, logged in or not.</summary>
    Anyone = 0,
    Customer = 1,
    Merchant = 2,
    Admin = 4,

    /// <summary>Whoever is logged in.</summary>
    User = Customer | Merchant | Admin,

    /// <summary>Merchants and administrators.</summary>
    Staff = Merchant | Admin,
}
