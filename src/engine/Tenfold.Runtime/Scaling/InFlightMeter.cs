namespace Tenfold.Runtime.Scaling;

/// <summary>Averages of what is in flight at each instance, from looks in short intervals. Not thread-safe.</summary>
/// <param name="look">Requests in flight by instance, now.</param>
internal sealed class InFlightMeter(Func<IReadOnlyList<KeyValuePair<string, int>>> look)
{
    private readonly Dictionary<string, long> _sums = new(StringComparer.Ordinal);
    private int _looks;

    /// <summary>Takes one more look.</summary>
    public void Look()
    {
        _looks++;
        foreach (var (instance, inFlight) in look())
        {
            _sums[instance] = _sums.GetValueOrDefault(instance) + inFlight;
        }
    }

    /// <summary>The averages since the last call, by instance; empty without a look.</summary>
    public IReadOnlyDictionary<string, double> Take()
    {
        var averages = _sums.ToDictionary(one => one.Key, one => one.Value / (double)_looks, StringComparer.Ordinal);
        _sums.Clear();
        _looks = 0;
        return averages;
    }
}
