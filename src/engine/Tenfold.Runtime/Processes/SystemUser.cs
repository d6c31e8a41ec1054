using System.Globalization;

namespace Tenfold.Runtime.Processes;

/// <summary>A user of this machine, from <c>/etc/passwd</c>.</summary>
public sealed record SystemUser(string Name, int UserId, int GroupId)
{
    /// <summary>The user of this name, or null when there is none.</summary>
    /// <param name="name">User name.</param>
    /// <param name="passwd">Content of the passwd file; this machine's when not given.</param>
    public static SystemUser? Find(string name, string? passwd = null)
    {
        foreach (var line in (passwd ?? File.ReadAllText("/etc/passwd")).Split('\n'))
        {
            var fields = line.Split(':');
            if (fields.Length >= 7 && fields[0] == name
                && int.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out var user)
                && int.TryParse(fields[3], NumberStyles.None, CultureInfo.InvariantCulture, out var group))
            {
                return new SystemUser(name, user, group);
            }
        }

        return null;
    }
}
