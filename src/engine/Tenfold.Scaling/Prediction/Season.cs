using System.Runtime.InteropServices;

namespace Tenfold.Scaling.Prediction;

/// <summary>A time after which a load repeats itself, cut into slots. Immutable.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Season
{
    private const int Finest = 288; // five minutes of a day
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(15);

    /// <param name="length">After what time it repeats itself.</param>
    /// <param name="shortest">No slot is shorter, unless the season is.</param>
    public Season(TimeSpan length, TimeSpan shortest)
    {
        var slot = Math.Max(Math.Min(length.Ticks / Finest, Longest.Ticks), shortest.Ticks);
        Length = length;
        Slots = (int)Math.Max(1, length.Ticks / slot);
        Slot = length / Slots;
    }

    public TimeSpan Length { get; }

    /// <summary>How many; at most 672 for a week.</summary>
    public int Slots { get; }

    /// <summary>How long one of them is.</summary>
    public TimeSpan Slot { get; }

    /// <summary>The slots' number by the wall clock; the same slot of the next season is <see cref="Slots"/> more.</summary>
    public long NumberOf(DateTimeOffset at)
    {
        var (season, within) = Math.DivRem(at.UtcTicks, Length.Ticks);
        return (season * Slots) + Math.Min(Slots - 1, within / Slot.Ticks);
    }

    /// <summary>Where a slot is in its season, from 0.</summary>
    public int PlaceOf(long number) => (int)(number % Slots);
}
