namespace Tenfold.Runtime.Packages;

/// <summary>What this machine offers to install packages with.</summary>
/// <param name="IsRoot">Whether this process is root.</param>
/// <param name="AptGet">Path of apt-get, or null.</param>
/// <param name="SudoWithoutPassword">Whether <c>sudo -n</c> works.</param>
public sealed record Installer(bool IsRoot, string? AptGet, bool SudoWithoutPassword);

/// <summary>How to install, or why not: exactly one of the two is set.</summary>
/// <param name="Prefix">What stands before <c>apt-get</c>: nothing, or sudo.</param>
/// <param name="Refusal">What the user is told instead.</param>
public sealed record InstallPlan(IReadOnlyList<string>? Prefix, string? Refusal)
{
    /// <summary>Decides from what the machine offers.</summary>
    /// <param name="what">What is missing: <c>PostgreSQL 14 or newer</c>.</param>
    /// <param name="package">Debian's package.</param>
    /// <param name="machine">What this machine offers.</param>
    public static InstallPlan Decide(string what, string package, Installer machine) => machine switch
    {
        { AptGet: null } => new(null, $"{what} is not on this machine and there is no apt-get to install it with; install it with the system's package manager (on Debian the package is '{package}') and make sure that its programs are on PATH"),
        { IsRoot: true } => new([], null),
        { SudoWithoutPassword: true } => new(["sudo", "-n"], null),
        _ => new(null, $"{what} is not on this machine, and installing it needs root; run: {Command(package)}"),
    };

    /// <summary>The command that a person would type.</summary>
    public static string Command(string package) => $"sudo apt-get install -y --no-install-recommends {package}";
}
