using System.Runtime.InteropServices;

namespace Tenfold.Scaling.Prediction;

/// <summary>A part of a season as it was seen. The default is one that was never seen.</summary>
/// <param name="Number">The last time it was seen.</param>
/// <param name="Expected">What is expected of it next time, before the level of the day.</param>
/// <param name="Actual">The load when it was last seen.</param>
/// <param name="Before">What was expected of it then; null: nothing, it was the first time.</param>
/// <param name="Miss">How far the forecast was off then; null: there was none.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Slot(long Number, double Expected, double Actual, double? Before, double? Miss)
{
    public bool IsKnown => Number > 0;
}
