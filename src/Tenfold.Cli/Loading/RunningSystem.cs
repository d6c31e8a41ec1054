using Tenfold.Runtime.Instances;
using Tenfold.Runtime.Scaling;

namespace Tenfold.Cli.Loading;

/// <summary>A system that is up.</summary>
/// <param name="Gateway">Where its gateway listens.</param>
/// <param name="ReadMetrics">What its instances say at <c>/metrics</c> now, by their names.</param>
/// <param name="ReadDecisions">What its autoscaler has decided.</param>
/// <param name="Launch">How a command of one of its services is started.</param>
internal sealed record RunningSystem(
    Uri Gateway,
    Func<CancellationToken, Task<IReadOnlyDictionary<string, string>>> ReadMetrics,
    Func<CancellationToken, Task<IReadOnlyList<ScalingDecision>>> ReadDecisions,
    Func<string, CancellationToken, Task<ServiceLaunch>> Launch);
