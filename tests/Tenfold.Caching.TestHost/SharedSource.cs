using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;

namespace Tenfold.Caching.TestHost;

/// <summary>The truth that several processes cache: a version a key, in a file that all of them map.</summary>
public sealed unsafe class SharedSource : IDisposable
{
    public const int Keys = 64;

    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly long* _versions;

    public SharedSource(string path)
    {
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.OpenOrCreate, null, Keys * 64);
        _view = _file.CreateViewAccessor();
        byte* at = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref at);
        _versions = (long*)at;
    }

    public long Read(int key) => Volatile.Read(ref Cell(key));

    public long Advance(int key) => Interlocked.Increment(ref Cell(key));

    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
    }

    private ref long Cell(int key) => ref Unsafe.AsRef<long>(_versions + (key * 8));
}
