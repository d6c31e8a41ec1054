using Rez.Reviews;

namespace Rez.Tests.Reviews;

public sealed class RatingTests
{
    [Fact]
    public void Changes_add_up_to_a_recount()
    {
        var random = new Random(7);
        var reviews = new int?[20]; // what each counts as; null: hidden, or not there
        var stars = new int[Rating.Most];
        for (var i = 0; i < 2_000; i++)
        {
            var at = random.Next(reviews.Length);
            int? after = random.Next(3) == 0 ? null : random.Next(1, Rating.Most + 1);
            if (Rating.Change(reviews[at], after) is { } change)
            {
                stars = [.. stars.Zip(change, (count, more) => count + more)];
            }

            reviews[at] = after;
            var shown = reviews.Where(rating => rating is not null).Select(rating => rating!.Value).ToArray();
            var rating = new Rating(stars);
            Assert.Equal((shown.Length, shown.Sum()), (rating.Count, rating.Sum));
            Assert.Equal(shown.Length == 0 ? 0 : (int)Math.Round(10m * shown.Sum() / shown.Length, MidpointRounding.AwayFromZero), rating.Tenths);
        }
    }

    [Fact]
    public void What_counts_as_before_changes_nothing()
    {
        Assert.Null(Rating.Change(3, 3));
        Assert.Null(Rating.Change(null, null));
    }
}
