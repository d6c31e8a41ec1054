namespace Rez.Images;

/// <summary>Which sizes are made of an image, and which one is served.</summary>
internal static class ImageSizes
{
    /// <summary>What is made is at most so wide and so high, in pixels.</summary>
    public const int Most = 1200;

    private static readonly int[] Steps = [200, 400, 600, 900];

    /// <summary>Widths to make of an image, the smallest first: its own (at most <see cref="Most"/>), and below it up to four that are clearly smaller. Never larger than it is.</summary>
    /// <param name="width">Its width once it is brought within the limits.</param>
    public static int[] Widths(int width) => [.. Steps.Where(step => step <= width * 9 / 10), width];

    /// <summary>The width that is served for the one that is asked for: the next larger one, or the largest.</summary>
    /// <param name="made">Ascending, at least one.</param>
    /// <param name="asked">Pixels.</param>
    public static int Nearest(ReadOnlySpan<int> made, int asked)
    {
        foreach (var width in made)
        {
            if (width >= asked)
            {
                return width;
            }
        }

        return made[^1];
    }
}
