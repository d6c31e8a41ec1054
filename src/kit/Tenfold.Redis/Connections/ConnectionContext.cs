using System.Net;
using Tenfold.Redis.Metrics;
using Tenfold.Redis.Protocol;

namespace Tenfold.Redis.Connections;

/// <summary>What all connections of a client share.</summary>
internal sealed record ConnectionContext
{
    public required RedisOptions Options { get; init; }

    public required TimeProvider Time { get; init; }

    public required Ticks Ticks { get; init; }

    public required Dispatcher Dispatcher { get; init; }

    public required OperationPool Operations { get; init; }

    public required ClientCounters Counters { get; init; }

    public required Random Random { get; init; }

    public required IPushes Pushes { get; init; }

    public required IResender Resender { get; init; }

    /// <summary>Done when the client is whole: before that an answer, an error above all, would find parts of it missing.</summary>
    public required Task Made { get; init; }

    /// <summary>A random number from 0 to 1. Thread-safe.</summary>
    public double Draw()
    {
        lock (Random)
        {
            return Random.NextDouble();
        }
    }

    public RespLimits Limits => new(Options.MaxReplyBytes);

    /// <summary><see cref="RedisOptions.CommandTimeout"/> in ticks.</summary>
    public int CommandTicks => field > 0 ? field : field = Connections.Ticks.Count(Options.CommandTimeout);

    /// <summary>How long a command may wait for a connection: not longer than for everything.</summary>
    public TimeSpan ConnectWait => Options.ConnectWait < Options.CommandTimeout ? Options.ConnectWait : Options.CommandTimeout;

    /// <summary>An operation for a command of the client's own.</summary>
    public Operation NewOperation(int answers = 1)
    {
        var operation = Operations.Rent();
        operation.Begin(0, Ticks.Now + CommandTicks, answers);
        return operation;
    }

    /// <summary>Asks for a sign of life. That one came is all that counts, so nobody waits for the answer.</summary>
    public void Ping(Connection connection)
    {
        var operation = Operations.Rent();
        operation.Begin(0, Ticks.Now + Connections.Ticks.Count(Options.StuckAfter) + 20, 1);
        operation.KeepsErrors = true;
        connection.TrySend(operation, ["PING"]);
    }
}

/// <summary>What Redis sends unasked. Called by the loops that read.</summary>
internal interface IPushes
{
    void Take(Connection connection, RedisReply push);

    /// <summary>What was tracked is not any more: a connection or slots are gone.</summary>
    void Lost();
}

/// <summary>Decides whether a command is sent again. Called by the loops that read.</summary>
internal interface IResender
{
    /// <summary>True: the error is not the caller's answer, the command goes out again.</summary>
    bool TakesOver(Operation operation, RedisReply error, EndPoint from);

    /// <summary>The same for a command that was not sent.</summary>
    bool TakesOver(Operation operation);
}
