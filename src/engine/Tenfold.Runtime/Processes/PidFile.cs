using System.Text;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Processes;

/// <summary>What a later host must know to end a child of one that was killed: lines of <c>key value</c>.</summary>
/// <param name="Process">The child.</param>
/// <param name="StopSignal">What asks it to stop.</param>
/// <param name="SignalGroup">Whether its whole group gets the signal.</param>
/// <param name="Cgroups">Folders of its cgroup.</param>
internal sealed record PidFile(ProcessIdentity Process, Signal StopSignal, bool SignalGroup, IReadOnlyList<string> Cgroups)
{
    public static PidFile? Read(string file)
    {
        var process = default(ProcessIdentity);
        var signal = Signal.Terminate;
        var group = true;
        var cgroups = new List<string>();
        foreach (var line in (StateFolder.ReadIfThere(file) ?? "").Split('\n'))
        {
            var space = line.IndexOf(' ', StringComparison.Ordinal);
            var value = space < 0 ? "" : line[(space + 1)..];
            switch (space < 0 ? "" : line[..space])
            {
                case "process":
                    _ = ProcessIdentity.TryParse(value, out process);
                    break;
                case "stop" when Enum.TryParse<Signal>(value, out var known):
                    signal = known;
                    break;
                case "group":
                    group = value == "yes";
                    break;
                case "cgroup":
                    cgroups.Add(value);
                    break;
                default:
                    break; // a file cut short by a crash: what it says is used
            }
        }

        return process is null ? null : new PidFile(process, signal, group, cgroups);
    }

    public void Write(string file)
    {
        var text = new StringBuilder();
        text.Append("process ").Append(Process).Append('\n');
        text.Append("stop ").Append(StopSignal).Append('\n');
        text.Append("group ").Append(SignalGroup ? "yes" : "no").Append('\n');
        foreach (var folder in Cgroups)
        {
            text.Append("cgroup ").Append(folder).Append('\n');
        }

        StateFolder.Write(file, text.ToString());
    }
}
