using Tenfold.Load.Reports;
using Tenfold.Load.Running;

namespace Tenfold.Cli.Loading;

/// <summary>Shows how a test goes: one line that is written over every second on a terminal, a new line every 5 s elsewhere.</summary>
internal sealed class ProgressDisplay(TextWriter output, bool inPlace)
{
    private const string Erase = "\r\e[K";

    public TimeSpan Every { get; } = TimeSpan.FromSeconds(inPlace ? 1 : 5);

    public void Show(LoadProgress progress)
    {
        var line = ProgressLine.Of(progress);
        if (inPlace)
        {
            var width = Math.Max(20, Console.WindowWidth - 1); // a line that wraps cannot be written over
            output.Write(Erase + (line.Length > width ? line[..width] : line));
        }
        else
        {
            output.WriteLine(line);
        }
    }

    /// <summary>Takes the last line away before the report.</summary>
    public void Clear()
    {
        if (inPlace)
        {
            output.Write(Erase);
        }
    }
}
