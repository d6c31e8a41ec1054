using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Validation;

/// <summary>Limits that cannot be met unless they rise: a p95 above the p99 promises nothing.</summary>
internal static class Order
{
    public static void Check(string path, IReadOnlyList<(string Key, TimeSpan? Limit)> rising, Findings findings)
    {
        (string Key, TimeSpan Limit)? below = null;
        foreach (var (key, limit) in rising)
        {
            if (limit is not { } value || !findings.IsReadable($"{path}.{key}"))
            {
                continue;
            }

            if (below is { } lower && lower.Limit > value)
            {
                findings.Add($"{path}.{lower.Key}", $"{Duration.Format(lower.Limit)} is more than {key} {Duration.Format(value)}");
            }

            below = (key, value);
        }
    }
}
