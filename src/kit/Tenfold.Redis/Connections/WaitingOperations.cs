namespace Tenfold.Redis.Connections;

/// <summary>Operations that wait with the bytes that they want to send, in order; bounded in number and bytes. Not thread-safe.</summary>
internal sealed class WaitingOperations(RedisOptions options)
{
    private readonly Queue<(Operation Operation, int Size)> _all = [];

    public int Count => _all.Count;

    public long Bytes { get; private set; }

    /// <summary>False if there are too many. One alone may be of any size.</summary>
    public bool TryAdd(Operation operation)
    {
        var size = operation.Command!.Count;
        if (Count >= options.MaxWaiting || (Count > 0 && Bytes + size > options.MaxWaitingBytes))
        {
            return false;
        }

        _all.Enqueue((operation, size));
        Bytes += size;
        return true;
    }

    /// <summary>The first one; null if there is none.</summary>
    public Operation? Peek() => _all.TryPeek(out var first) ? first.Operation : null;

    /// <summary>The first one, which does not wait any more.</summary>
    public Operation Take()
    {
        var (operation, size) = _all.Dequeue();
        Bytes -= size;
        return operation;
    }

    public Operation[] TakeAll()
    {
        Operation[] all = [.. _all.Select(one => one.Operation)];
        _all.Clear();
        Bytes = 0;
        return all;
    }

    public IEnumerable<Operation> All => _all.Select(one => one.Operation);
}
