namespace Rez.Images;

/// <summary>Where images are worked on: one at a time in a process, as each takes a core and much memory, in a folder that only this process's user sees.</summary>
internal sealed class ImageWorkshop(TimeProvider time) : IDisposable
{
    private const string Prefix = "rez-image-";
    private readonly SemaphoreSlim _turn = new(1);
    private int _complaints;

    /// <summary>Waits for a turn; disposing of it deletes its folder.</summary>
    public async Task<Bench> EnterAsync(CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel);
        try
        {
            var folder = Path.Combine(Path.GetTempPath(), Prefix + Guid.NewGuid().ToString("N"));
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(folder);
            }
            else
            {
                Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }

            return new Bench(folder, _turn);
        }
        catch
        {
            _turn.Release();
            throw;
        }
    }

    /// <summary>True the first time.</summary>
    public bool ShouldComplain() => Interlocked.Exchange(ref _complaints, 1) == 0;

    /// <summary>Deletes folders of processes that died.</summary>
    public void Sweep(TimeSpan age)
    {
        var before = (time.GetUtcNow() - age).UtcDateTime;
        foreach (var folder in Directory.EnumerateDirectories(Path.GetTempPath(), Prefix + "*").Where(folder => Directory.GetLastWriteTimeUtc(folder) < before))
        {
            try
            {
                Directory.Delete(folder, recursive: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Somebody else's, or gone.
            }
        }
    }

    public void Dispose() => _turn.Dispose();

    /// <summary>A private folder.</summary>
    internal sealed class Bench(string folder, SemaphoreSlim turn) : IDisposable
    {
        public string Folder => folder;

        public void Dispose()
        {
            Directory.Delete(folder, recursive: true);
            turn.Release();
        }
    }
}
