using Tenfold.Redis.Cluster;
using Tenfold.Redis.Connections;

namespace Tenfold.Redis;

public sealed partial class RedisClient
{
    private ValueTask<long> SumByKeys(string command, ReadOnlySpan<RedisKey> keys, CancellationToken cancel)
    {
        if (keys.IsEmpty)
        {
            return new ValueTask<long>(0);
        }

        if (!_router.SplitsKeys || keys.Length == 1)
        {
            return Integer(StartWithKeys(command, keys, cancel));
        }

        return SumAsync(Split(keys).Select(group => Integer(StartWithKeys(command, group.Select(one => one.Key).ToArray(), cancel)).AsTask()).ToArray());
    }

    private static async ValueTask<long> SumAsync(Task<long>[] parts) => (await Task.WhenAll(parts)).Sum();

    private ValueTask<byte[]?[]> ValuesByKeys(ReadOnlySpan<RedisKey> keys, CancellationToken cancel)
    {
        if (keys.IsEmpty)
        {
            return new ValueTask<byte[]?[]>([]);
        }

        var groups = _router.SplitsKeys ? Split(keys) : [[.. Numbered(keys)]];
        return GatherAsync(keys.Length, groups, [.. groups.Select(group => Reply(StartWithKeys("MGET", group.Select(one => one.Key).ToArray(), cancel)).AsTask())]);
    }

    private static async ValueTask<byte[]?[]> GatherAsync(int count, List<List<(int Index, RedisKey Key)>> groups, Task<RedisReply>[] parts)
    {
        var values = new byte[]?[count];
        await Task.WhenAll(parts);
        for (var g = 0; g < parts.Length; g++)
        {
            var items = (await parts[g]).Items;
            for (var i = 0; i < items.Length; i++)
            {
                values[groups[g][i].Index] = items.Span[i].Bytes;
            }
        }

        return values;
    }

    private static ValueTask<RedisReply> Reply(Operation operation) => new(operation, operation.Version);

    private static List<List<(int Index, RedisKey Key)>> Split(ReadOnlySpan<RedisKey> keys) =>
        [.. Numbered(keys).GroupBy(one => HashSlot.Of(one.Key)).Select(group => group.ToList())];

    private static List<(int Index, RedisKey Key)> Numbered(ReadOnlySpan<RedisKey> keys)
    {
        var list = new List<(int, RedisKey)>(keys.Length);
        for (var i = 0; i < keys.Length; i++)
        {
            list.Add((i, keys[i]));
        }

        return list;
    }

    private Operation StartWithKeys(string command, ReadOnlySpan<RedisKey> keys, CancellationToken cancel)
    {
        var words = new RedisArgument[keys.Length + 1];
        words[0] = command;
        for (var i = 0; i < keys.Length; i++)
        {
            words[i + 1] = keys[i];
        }

        return Start(SlotOf(keys[0]), words, cancel);
    }
}
