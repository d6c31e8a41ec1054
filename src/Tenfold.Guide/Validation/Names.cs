using System.Text.RegularExpressions;
using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Validation;

/// <summary>Names and other short texts with a form of their own.</summary>
internal static partial class Names
{
    /// <summary>Names of systems, services, stores and load tests: they become folders, sockets, cgroups and DNS labels.</summary>
    public const string Allowed = "1 to 40 lower-case letters, digits and dashes, with a letter or digit first and last";

    /// <summary>A key that names a service, a store or a load test.</summary>
    public static void Check(string path, string name, Findings findings)
    {
        if (!Name().IsMatch(name))
        {
            findings.AddToKey(path, $"'{name}' is not a name; allowed: {Allowed}");
        }
    }

    /// <summary>Whether an instance of the service may be called so: <c>api-2</c> for <c>api</c>.</summary>
    public static bool IsInstanceOf(string name, string service) =>
        name.Length > service.Length + 1 && name.StartsWith(service, StringComparison.Ordinal) && name[service.Length] == '-'
        && name.AsSpan(service.Length + 1).IndexOfAnyExceptInRange('0', '9') < 0;

    /// <summary>Names of environment variables.</summary>
    [GeneratedRegex(@"\A[A-Za-z_][A-Za-z0-9_.\-]{0,199}\z", RegexOptions.ExplicitCapture, 1000)]
    public static partial Regex EnvironmentVariable();

    /// <summary>A token of RFC 9110: names of headers and cookies.</summary>
    [GeneratedRegex(@"\A[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,200}\z", RegexOptions.ExplicitCapture, 1000)]
    public static partial Regex HttpToken();

    /// <summary>Variables of a load test.</summary>
    [GeneratedRegex(@"\A[A-Za-z_][A-Za-z0-9_\-]{0,63}\z", RegexOptions.ExplicitCapture, 1000)]
    public static partial Regex Variable();

    /// <summary>A host name, or <c>*.</c> and one.</summary>
    [GeneratedRegex(@"\A(\*\.)?[A-Za-z0-9]([A-Za-z0-9\-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9\-]{0,61}[A-Za-z0-9])?)*\z", RegexOptions.ExplicitCapture, 1000)]
    public static partial Regex Host();

    [GeneratedRegex(@"\A[a-z0-9]([a-z0-9\-]{0,38}[a-z0-9])?\z", RegexOptions.ExplicitCapture, 1000)]
    public static partial Regex Name();
}
