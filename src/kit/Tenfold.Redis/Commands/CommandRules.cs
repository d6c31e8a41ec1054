using System.Collections.Frozen;

namespace Tenfold.Redis.Commands;

/// <summary>What must be known of a command before it is sent: where its key stands, and whether it fits a shared connection.</summary>
internal static class CommandRules
{
    // They change what the next commands on the connection mean, or have no answer of their own.
    private static readonly FrozenDictionary<string, string> Refused = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
    {
        ["MULTI"] = "use TransactionAsync",
        ["EXEC"] = "use TransactionAsync",
        ["DISCARD"] = "use TransactionAsync",
        ["WATCH"] = "use a script",
        ["UNWATCH"] = "use a script",
        ["SUBSCRIBE"] = "use SubscribeAsync",
        ["PSUBSCRIBE"] = "use SubscribePatternAsync",
        ["SSUBSCRIBE"] = "sharded channels are not supported",
        ["UNSUBSCRIBE"] = "dispose the subscription",
        ["PUNSUBSCRIBE"] = "dispose the subscription",
        ["SUNSUBSCRIBE"] = "sharded channels are not supported",
        ["SELECT"] = "set RedisOptions.Database",
        ["AUTH"] = "set RedisOptions.User and Password",
        ["HELLO"] = "set RedisOptions.User and Password",
        ["RESET"] = "it would end tracking for everybody",
        ["QUIT"] = "dispose the client",
        ["MONITOR"] = "its output has no end",
        ["SYNC"] = "it is for replicas",
        ["PSYNC"] = "it is for replicas",
        ["ASKING"] = "the client follows redirections itself",
        ["READONLY"] = "reads go to primaries",
        ["READWRITE"] = "reads go to primaries",
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> RefusedOfClient = FrozenSet.Create(StringComparer.OrdinalIgnoreCase, "REPLY", "TRACKING", "CACHING", "SETNAME", "NO-EVICT", "NO-TOUCH");

    private static readonly FrozenSet<string> Blocking = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase, "BLPOP", "BRPOP", "BRPOPLPUSH", "BLMOVE", "BLMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP", "WAIT", "WAITAOF");

    // The key is the third word.
    private static readonly FrozenSet<string> KeyAfterSubcommand = FrozenSet.Create(StringComparer.OrdinalIgnoreCase, "OBJECT", "MEMORY", "XINFO", "XGROUP", "BITOP", "DEBUG");

    // The number of keys stands before them.
    private static readonly FrozenSet<string> Evaluations = FrozenSet.Create(StringComparer.OrdinalIgnoreCase, "EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO", "BLMPOP", "BZMPOP");

    private static readonly FrozenSet<string> NumberedKeys = FrozenSet.Create(StringComparer.OrdinalIgnoreCase, "ZUNION", "ZINTER", "ZDIFF", "SINTERCARD", "ZINTERCARD", "LMPOP", "ZMPOP");

    private static readonly FrozenSet<string> Keyless = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase, "PING", "ECHO", "INFO", "CLIENT", "CLUSTER", "CONFIG", "COMMAND", "DBSIZE", "FLUSHALL", "FLUSHDB", "KEYS", "SCAN", "SCRIPT", "FUNCTION", "PUBLISH",
        "PUBSUB", "TIME", "LASTSAVE", "SAVE", "BGSAVE", "BGREWRITEAOF", "ROLE", "RANDOMKEY", "SLOWLOG", "LATENCY", "MODULE", "ACL", "SHUTDOWN", "REPLICAOF", "FAILOVER", "SWAPDB", "LOLWUT", "WAIT", "WAITAOF", "SENTINEL");

    /// <summary>Where the first key stands; -1 for none.</summary>
    public static int KeyIndex(ReadOnlySpan<RedisArgument> command)
    {
        var name = command[0].Text ?? command[0].ToString();
        var index = 1;
        if (Keyless.Contains(name))
        {
            return -1;
        }

        if (Evaluations.Contains(name))
        {
            index = command.Length > 2 && command[2].ToString() != "0" ? 3 : int.MaxValue;
        }
        else if (NumberedKeys.Contains(name) || KeyAfterSubcommand.Contains(name))
        {
            index = 2;
        }
        else if (name.Equals("XREAD", StringComparison.OrdinalIgnoreCase) || name.Equals("XREADGROUP", StringComparison.OrdinalIgnoreCase))
        {
            index = IndexOf(command, "STREAMS") + 1;
            index = index == 0 ? int.MaxValue : index;
        }

        return index < command.Length ? index : -1;
    }

    // Whether Redis may keep the answer back, and with it everything behind it on the connection.
    private static bool Blocks(ReadOnlySpan<RedisArgument> command)
    {
        var name = command[0].Text ?? command[0].ToString();
        return Blocking.Contains(name) || (name.StartsWith("XREAD", StringComparison.OrdinalIgnoreCase) && IndexOf(command, "BLOCK") > 0);
    }

    /// <exception cref="ArgumentException">The command cannot be sent on a connection that others share.</exception>
    public static void Check(ReadOnlySpan<RedisArgument> command)
    {
        if (command.IsEmpty)
        {
            throw new ArgumentException("A command has at least its name.");
        }

        var name = command[0].Text ?? command[0].ToString();
        if (Refused.TryGetValue(name, out var instead))
        {
            throw new ArgumentException($"{name.ToUpperInvariant()} does not fit a connection that others share: {instead}.");
        }

        if (command.Length > 1 && name.Equals("CLIENT", StringComparison.OrdinalIgnoreCase) && RefusedOfClient.Contains(command[1].ToString()))
        {
            throw new ArgumentException($"CLIENT {command[1].ToString().ToUpperInvariant()} does not fit a connection that others share.");
        }

        if (Blocks(command))
        {
            throw new ArgumentException($"{name.ToUpperInvariant()} would hold up everybody on the connection; ask without blocking.");
        }

        if (name.Contains(' '))
        {
            throw new ArgumentException($"'{name}' is one word; give its parts as words of their own.");
        }
    }

    private static int IndexOf(ReadOnlySpan<RedisArgument> command, string word)
    {
        for (var i = 1; i < command.Length; i++)
        {
            if (command[i] is { IsNumber: false, Bytes.Length: < 16 } && command[i].ToString().Equals(word, StringComparison.OrdinalIgnoreCase))
            {
                return i;
            }
        }

        return -1;
    }
}
