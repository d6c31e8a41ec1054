using Tenfold.Redis.Protocol;
using Tenfold.Redis.Scripts;

namespace Tenfold.Redis;

public sealed partial class RedisClient
{
    /// <summary>
    /// Runs a script: by its SHA-1, and in full if the server does not know it. All its keys must be in one hash slot in a
    /// cluster; give every key that it uses.
    /// </summary>
    public ValueTask<RedisReply> EvaluateAsync(RedisScript script, ReadOnlySpan<RedisKey> keys, ReadOnlySpan<RedisArgument> arguments = default, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(script);
        var operation = Begin(keys.IsEmpty ? 0 : SlotOf(keys[0]), 1, cancel);
        if (!operation.IsSettled)
        {
            operation.Script = script;
            operation.Command = new CommandBuffer(256);
            Evaluation.Write(operation.Command, script, keys, arguments);
            _router.Send(operation);
        }

        return new ValueTask<RedisReply>(operation, operation.Version);
    }
}
