using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Tenfold.Runtime.Processes;

/// <summary>
/// The few lines of shell between fork and exec, since .NET gives no hook there: join the cgroups, then become
/// <c>setsid setpriv … program</c> without a new process, so that the pid stays the one that was started.
/// </summary>
internal static class Launch
{
    /// <summary>Exit code of a child that could not join its cgroup.</summary>
    public const int CannotJoin = 125;

    public static ProcessStartInfo Prepare(ProcessSpec spec, string program, string? stateFolder)
    {
        var script = new StringBuilder("exec </dev/null 2>&1\n");
        foreach (var folder in spec.Cgroup?.Folders ?? [])
        {
            var file = Quote(Path.Combine(folder, "cgroup.procs"));
            script.Append(CultureInfo.InvariantCulture, $"echo $$ > {file} || {{ echo cannot join the cgroup {file}; exit {CannotJoin}; }}\n");
        }

        script.Append("exec ").Append(Quote(Required("setsid", spec.Name))).Append(" -- ");
        if (spec.RunAs is { } user && Environment.IsPrivilegedProcess)
        {
            script.Append(CultureInfo.InvariantCulture, $"{Quote(Required("setpriv", spec.Name))} --reuid={user.UserId} --regid={user.GroupId} --init-groups -- ");
        }

        script.Append("\"$@\"\n");

        var start = new ProcessStartInfo("/bin/sh")
        {
            WorkingDirectory = spec.WorkingDirectory,
            UseShellExecute = false,
            // All three, so that .NET leaves the terminal's settings alone.
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(script.ToString());
        start.ArgumentList.Add("tenfold");
        start.ArgumentList.Add(program);
        foreach (var argument in spec.Arguments)
        {
            start.ArgumentList.Add(argument);
        }

        if (!spec.InheritEnvironment)
        {
            var path = Environment.GetEnvironmentVariable("PATH");
            start.Environment.Clear();
            start.Environment["PATH"] = path ?? "/usr/local/bin:/usr/bin:/bin";
            start.Environment["LC_ALL"] = "C.UTF-8";
        }

        foreach (var (name, value) in spec.Environment)
        {
            start.Environment[name] = value;
        }

        if (stateFolder is not null)
        {
            start.Environment[ChildProcess.StateVariable] = stateFolder;
        }

        return start;
    }

    private static string Required(string program, string name) => Programs.Find(program)
        ?? throw new RuntimeException(RuntimeFailure.Machine, $"{name} cannot be started: '{program}' is missing; install it: apt-get install -y util-linux");

    private static string Quote(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
