using Tenfold.Runtime.Processes;

namespace Tenfold.Runtime.State;

/// <summary>One host a system: an advisory lock (flock) that the kernel frees when its holder dies, however it dies.</summary>
public sealed class HostLock : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private const int Tries = 10; // a holder that is just leaving

    private readonly FileStream _stream;
    private readonly string? _hostFile;

    private HostLock(FileStream stream, string? hostFile) => (_stream, _hostFile) = (stream, hostFile);

    /// <summary>The process that runs the system, or null when none does.</summary>
    public static ProcessIdentity? Owner(SystemState state) =>
        ProcessIdentity.TryParse(StateFolder.ReadIfThere(state.HostFile), out var owner) && owner.IsAlive ? owner : null;

    /// <summary>Takes the lock, or returns null when another process holds it (see <see cref="Owner"/>).</summary>
    /// <param name="state">Whose lock.</param>
    /// <param name="time">Clock.</param>
    /// <param name="cancel">Stops the waiting for a holder that is just leaving.</param>
    /// <param name="asHost">False for a command that only keeps hosts away for a moment: it is nobody's owner, writes nothing, and the folder must be there.</param>
    /// <exception cref="RuntimeException">The state folder cannot be written.</exception>
    public static async Task<HostLock?> TryTakeAsync(SystemState state, TimeProvider time, CancellationToken cancel, bool asHost = true)
    {
        if (asHost)
        {
            state.Create(); // the others must be able to stop and delete it on a full disk
        }

        for (var i = 0; i < Tries; i++)
        {
            if (Open(state) is { } stream)
            {
                if (asHost)
                {
                    StateFolder.Write(state.HostFile, ProcessIdentity.Current.ToString());
                }

                return new HostLock(stream, asHost ? state.HostFile : null);
            }

            await Task.Delay(Pause, time, cancel);
        }

        return null;
    }

    private static FileStream? Open(SystemState state)
    {
        try
        {
            return new FileStream(state.LockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new RuntimeException(RuntimeFailure.Machine, $"{state.LockFile} cannot be opened by {Environment.UserName}: {e.Message}; it was made by another user, run as that one", e);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Frees the lock. May be called twice.</summary>
    public void Dispose()
    {
        if (_stream.CanRead)
        {
            if (_hostFile is not null)
            {
                File.Delete(_hostFile);
            }

            _stream.Dispose();
        }
    }
}
