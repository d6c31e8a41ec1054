using Tenfold.Runtime.Processes;

namespace Tenfold.Runtime.Stores;

/// <summary>Which user a store's server runs as.</summary>
internal static class ServerUser
{
    /// <summary>Never root: the engine's own system user, else <c>nobody</c>. Null (the caller) when the caller is not root.</summary>
    /// <exception cref="RuntimeException">This machine has neither user.</exception>
    public static SystemUser? For(string user) => !Environment.IsPrivilegedProcess ? null
        : SystemUser.Find(user) ?? SystemUser.Find("nobody")
        ?? throw new RuntimeException(RuntimeFailure.Machine, $"no user to run a store as: root must not, and this machine has neither a user '{user}' nor 'nobody'; make one: useradd --system {user}");
}
