using System.Text;
using Tenfold.Load;

namespace Tenfold.Cli.Loading;

/// <summary>
/// The file of <c>--json</c>: opened before the run, so that an hour of load is not lost to a wrong path, and changed only when
/// there is a report. A run that comes to none leaves what was there, or nothing.
/// </summary>
internal sealed class ReportFile : IAsyncDisposable
{
    private readonly FileStream _stream;
    private bool _keep;

    private ReportFile(FileStream stream, bool keep) => (_stream, _keep) = (stream, keep);

    /// <exception cref="LoadException">It cannot be written.</exception>
    public static ReportFile Open(string path)
    {
        try
        {
            var keep = File.Exists(path);
            return new ReportFile(new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read), keep);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LoadException(LoadFault.Usage, $"--json {path} cannot be written: {e.Message}", e);
        }
    }

    public async Task WriteAsync(string report)
    {
        _keep = true;
        if (_stream.CanSeek) // not a pipe or a terminal
        {
            _stream.SetLength(0);
        }

        await _stream.WriteAsync(Encoding.UTF8.GetBytes(report), CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        if (!_keep)
        {
            File.Delete(_stream.Name);
        }
    }
}
