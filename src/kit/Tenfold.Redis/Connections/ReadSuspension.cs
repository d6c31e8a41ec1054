using System.Runtime.CompilerServices;

namespace Tenfold.Redis.Connections;

/// <summary>
/// Awaits a read and runs callers' code on the waiting thread once the read can go on without it: code that takes long, or
/// blocks, does not keep the connection from being read.
/// </summary>
internal readonly struct ReadSuspension(ValueTask<int> read, CompletionBatch? batch, Dispatcher dispatcher) : ICriticalNotifyCompletion
{
    private readonly ConfiguredValueTaskAwaitable<int>.ConfiguredValueTaskAwaiter _read = read.ConfigureAwait(false).GetAwaiter();

    public bool IsCompleted
    {
        get
        {
            if (!_read.IsCompleted)
            {
                return false;
            }

            // There is more to read at once; others run what is settled.
            if (batch is not null)
            {
                Dispatcher.Queue(batch);
            }

            return true;
        }
    }

    public ReadSuspension GetAwaiter() => this;

    public int GetResult() => _read.GetResult();

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation)
    {
        _read.UnsafeOnCompleted(continuation);
        if (batch is not null)
        {
            dispatcher.Run(batch);
        }
    }
}
