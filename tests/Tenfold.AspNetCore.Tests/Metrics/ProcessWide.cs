namespace Tenfold.AspNetCore.Tests.Metrics;

/// <summary>Tests of what all meters of the process say together: no other test runs meanwhile.</summary>
[CollectionDefinition(Meters, DisableParallelization = true)]
public sealed class ProcessWide
{
    public const string Meters = "meters of the process";
}
