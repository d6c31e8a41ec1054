using System.Globalization;
using Tenfold.Load.Running;

namespace Tenfold.Load.Reports;

/// <summary>One line about a running test. Pure.</summary>
public static class ProgressLine
{
    /// <summary><c>12 s of 60 s  stage 3/7  342 users  1,234.0/s  errors 0 (0%)  p95 12.3 ms  5 in flight</c>.</summary>
    public static string Of(LoadProgress p)
    {
        ArgumentNullException.ThrowIfNull(p);
        var level = p.Open ? $"{Units.Rate(p.Level)} arrivals" : $"{Units.Count((long)p.Level)} users";
        var stage = p.Elapsed >= p.Total ? "waiting for answers" : $"stage {p.Stage}/{p.Stages}";
        var errors = $"errors {Units.Count(p.Errors)} ({Units.Share(p.Requests == 0 ? 0 : (double)p.Errors / p.Requests)})";
        return string.Create(CultureInfo.InvariantCulture, $"{p.Elapsed.TotalSeconds:0} s of {p.Total.TotalSeconds:0} s  {stage}  {level}  {Units.Rate(p.Rate)}  {errors}  p95 {Units.Time(p.P95)}  {Units.Count(p.InFlight)} in flight");
    }
}
