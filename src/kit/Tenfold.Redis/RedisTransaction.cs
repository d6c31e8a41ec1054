using Tenfold.Redis.Cluster;
using Tenfold.Redis.Commands;
using Tenfold.Redis.Protocol;

namespace Tenfold.Redis;

/// <summary>Commands that Redis executes together, with nothing of others in between. Not thread-safe; used once.</summary>
public sealed class RedisTransaction
{
    private const int MaxCommands = 10_000;

    private int _slot = -1;
    private bool _isSent;

    internal CommandBuffer Commands { get; } = new(512);

    internal int Slot => Math.Max(_slot, 0);

    /// <summary>Commands so far.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a command; at most 10,000. In a cluster all keys must be in one hash slot: use <c>{tags}</c>.</summary>
    /// <exception cref="ArgumentException">The command does not fit a transaction.</exception>
    public RedisTransaction Add(params ReadOnlySpan<RedisArgument> command)
    {
        CommandRules.Check(command);
        if (_isSent)
        {
            throw new InvalidOperationException("The transaction was sent already; make another one.");
        }

        if (Count == MaxCommands)
        {
            throw new InvalidOperationException($"A transaction has at most {MaxCommands} commands.");
        }

        if (_slot < 0 && CommandRules.KeyIndex(command) is >= 0 and var key)
        {
            _slot = HashSlot.Of(command[key].ToKey());
        }

        if (Count++ == 0)
        {
            Commands.WriteRaw("*1\r\n$5\r\nMULTI\r\n"u8);
        }

        Commands.Write(command);
        return this;
    }

    internal CommandBuffer Close()
    {
        if (_isSent || Count == 0)
        {
            throw new InvalidOperationException(_isSent ? "The transaction was sent already; make another one." : "The transaction has no commands.");
        }

        _isSent = true;
        Commands.WriteRaw("*1\r\n$4\r\nEXEC\r\n"u8);
        return Commands;
    }
}
