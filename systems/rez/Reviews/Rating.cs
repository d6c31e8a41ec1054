namespace Rez.Reviews;

/// <summary>A product's rating, of the reviews that are shown.</summary>
internal static class Rating
{
    /// <summary>The mean in tenths, halves rounded up; 0 without reviews. As <c>rating_tenths(count, sum)</c> of 013-reviews.sql.</summary>
    public static short Tenths(int count, long sum) => (short)(count == 0 ? 0 : ((20 * sum) + count) / (2 * count));
}
