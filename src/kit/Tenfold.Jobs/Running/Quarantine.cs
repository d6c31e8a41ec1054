namespace Tenfold.Jobs.Running;

/// <summary>
/// Jobs with which a worker has died twice run alone among their kind in a process, so that a third death tells which one it was. Thread-safe.
/// </summary>
internal sealed class Quarantine
{
    /// <summary>Deaths of workers from which on a job is to be alone.</summary>
    public const int From = 2;

    /// <summary>When one that finds it taken may try again.</summary>
    public static readonly TimeSpan Again = TimeSpan.FromSeconds(1);

    private int _isTaken;

    /// <summary>True: it is alone until <see cref="Leave"/>.</summary>
    public bool TryEnter() => Interlocked.Exchange(ref _isTaken, 1) == 0;

    public void Leave() => Volatile.Write(ref _isTaken, 0);
}
