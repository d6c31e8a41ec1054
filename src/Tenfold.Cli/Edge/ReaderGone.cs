using System.Runtime.InteropServices;

namespace Tenfold.Cli.Edge;

/// <summary>
/// Notices that whoever read this process's standard output has gone, as in <c>tenfold logs … | head</c>: .NET ignores SIGPIPE
/// and drops what is written to a closed pipe, so a command that goes on until Ctrl-C would go on for ever.
/// </summary>
internal sealed class ReaderGone : IAsyncDisposable
{
    private const int StandardOutput = 1;
    private const short Error = 8; // POLLERR: the other end of the pipe is closed
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(250);

    private readonly CancellationTokenSource _gone;
    private readonly ITimer _timer;

    public ReaderGone(TimeProvider time, CancellationToken cancel)
    {
        _gone = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        _timer = time.CreateTimer(static gone => Look((CancellationTokenSource)gone!), _gone, Every, Every);
    }

    /// <summary>Cancelled when the reader has gone, or with the token given.</summary>
    public CancellationToken Token => _gone.Token;

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        _gone.Dispose();
    }

    private static void Look(CancellationTokenSource gone)
    {
        var output = new Poll { File = StandardOutput };
        if (PollFiles(ref output, 1, 0) > 0 && (output.Found & Error) != 0)
        {
            gone.Cancel();
        }
    }

    [DllImport("libc", EntryPoint = "poll")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int PollFiles(ref Poll files, nuint count, int milliseconds);

    [StructLayout(LayoutKind.Sequential)]
    private struct Poll
    {
        public int File;
        public short Wanted;
        public short Found;
    }
}
