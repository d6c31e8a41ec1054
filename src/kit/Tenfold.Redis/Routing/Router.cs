using System.Net;
using Tenfold.Redis.Connections;

namespace Tenfold.Redis.Routing;

/// <summary>Decides which server and connection a command goes to. Thread-safe.</summary>
internal abstract class Router : IAsyncDisposable
{
    /// <summary>Whether commands can be sent now, to all the keys there are.</summary>
    public abstract bool IsConnected { get; }

    /// <summary>Whether a key's slot matters.</summary>
    public abstract bool NeedsSlots { get; }

    /// <summary>Whether keys of different slots cannot be in one command.</summary>
    public virtual bool SplitsKeys => false;

    public abstract void Send(Operation operation, ReadOnlySpan<RedisArgument> command);

    /// <summary>Sends the command that the operation keeps.</summary>
    public abstract void Send(Operation operation);

    /// <summary>True: the answer is not the caller's, the command goes somewhere else. In the reader's loop.</summary>
    public virtual bool Redirects(Operation operation, RedisReply error, EndPoint from) => false;

    /// <summary>The same for a command that was not sent.</summary>
    public virtual bool Redirects(Operation operation) => false;

    /// <summary>Where connections of their own go to, for a key's slot.</summary>
    public abstract LineSettings SettingsOf(int slot);

    public abstract void Tick(int now);

    public abstract ValueTask DisposeAsync();
}
