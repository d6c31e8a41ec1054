namespace Tenfold.Redis;

public sealed partial class RedisClient
{
    /// <summary>
    /// Executes the commands together: MULTI, the commands, EXEC in one piece. A command that Redis refuses beforehand
    /// (unknown, wrong number of words, no memory) refuses them all; one that fails while it is executed is an error among the
    /// answers, and the others count, as Redis does it.
    /// </summary>
    /// <returns>One answer a command, in order; look at <see cref="RedisReply.IsError"/>.</returns>
    public ValueTask<ReadOnlyMemory<RedisReply>> TransactionAsync(RedisTransaction transaction, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        var commands = transaction.Close();
        var operation = Begin(transaction.Slot, transaction.Count + 2, cancel);
        if (!operation.IsSettled)
        {
            operation.Command = commands;
            _router.Send(operation);
        }

        return new ValueTask<ReadOnlyMemory<RedisReply>>(operation, operation.Version);
    }
}
