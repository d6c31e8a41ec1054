using System.Text;

namespace Tenfold.Runtime.Logs;

/// <summary>Reads on in a text file that another process writes and rotates, by renaming it or by emptying it. Not thread-safe.</summary>
public sealed class FollowedFile(string path) : IDisposable
{
    private readonly StringBuilder _partial = new();
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private readonly byte[] _bytes = new byte[16 * 1024];
    private readonly char[] _chars = new char[16 * 1024 + 1];
    private FileStream? _stream;

    /// <summary>Whole lines written since the last call; to be enumerated to the end.</summary>
    public IEnumerable<string> ReadNew()
    {
        while (Open())
        {
            // Asked before reading: what is written between the last read and a rotation is not missed.
            var rotated = IsRotated();
            if (_stream!.Position > _stream.Length)
            {
                _stream.Position = 0; // emptied in place: it begins anew
                _partial.Clear();
            }

            int read;
            while ((read = _stream.Read(_bytes)) > 0)
            {
                var chars = _decoder.GetChars(_bytes.AsSpan(0, read), _chars, flush: false);
                for (var i = 0; i < chars; i++)
                {
                    if (_chars[i] != '\n')
                    {
                        _partial.Append(_chars[i]);
                        continue;
                    }

                    var line = _partial.ToString();
                    _partial.Clear();
                    yield return line;
                }
            }

            if (!rotated)
            {
                yield break;
            }

            Dispose();
        }
    }

    public void Dispose()
    {
        _stream?.Dispose();
        _stream = null;
    }

    private bool Open()
    {
        if (_stream is not null)
        {
            return true;
        }

        try
        {
            _stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }

        return true;
    }

    // The kernel's own name of the open file: another one than ours once it was renamed or deleted.
    private bool IsRotated() =>
        new FileInfo($"/proc/self/fd/{_stream!.SafeFileHandle.DangerousGetHandle()}").LinkTarget != Path.GetFullPath(path);
}
