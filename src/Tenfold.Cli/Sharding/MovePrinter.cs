using System.Globalization;
using Tenfold.Cli.Output;
using Tenfold.Postgres.Moves;

namespace Tenfold.Cli.Sharding;

/// <summary>A line a step; within a step that counts rows, one every two seconds.</summary>
internal sealed class MovePrinter(TextWriter to, TimeProvider time)
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(2);

    private long _counted = time.GetTimestamp();

    public void Print(MoveProgress progress)
    {
        if (progress.Total == 0)
        {
            to.WriteLine($"{(int)progress.Step,2}/18  {progress.Text}{(progress.Left is { } whole ? $", about {Units.Duration(whole)} left" : "")}");
        }
        else if (time.GetElapsedTime(_counted) >= Every)
        {
            _counted = time.GetTimestamp();
            to.WriteLine(string.Create(CultureInfo.InvariantCulture, $"       {progress.Text}: {progress.Done:N0} of {progress.Total:N0} rows{(progress.Left is { } left ? $", {Units.Duration(left)} left" : "")}"));
        }
    }
}
