using Tenfold.Scaling;

namespace Tenfold.Runtime.Scaling;

/// <summary>
/// Tells when something that a person may want to do something about begins to keep the rules from what they want. While it lasts it is no news, and
/// neither is one that comes and goes. Not thread-safe.
/// </summary>
/// <param name="over">It has ended when it was not seen for so long; more than the time between two decisions.</param>
/// <param name="time">Clock.</param>
internal sealed class HeldBack(TimeSpan over, TimeProvider time)
{
    private readonly Dictionary<ScalingLimit, long> _seen = [];

    /// <summary>To be asked at each decision.</summary>
    public bool IsNews(ScalingLimit limit)
    {
        if (limit is not (ScalingLimit.Max or ScalingLimit.Machine or ScalingLimit.MissingData))
        {
            return false;
        }

        var isNews = !_seen.TryGetValue(limit, out var last) || time.GetElapsedTime(last) >= over;
        _seen[limit] = time.GetTimestamp();
        return isNews;
    }
}
