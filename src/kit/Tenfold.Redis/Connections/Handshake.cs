namespace Tenfold.Redis.Connections;

/// <summary>The first commands of a connection, sent in one piece.</summary>
internal static class Handshake
{
    public static async Task RunAsync(Connection connection, ConnectionContext context, Credentials credentials, CancellationToken cancel)
    {
        RedisArgument[] hello = credentials.Password is { } password
            ? ["HELLO", 3, "AUTH", credentials.User ?? "default", password, "SETNAME", context.Options.ClientName]
            : ["HELLO", 3, "SETNAME", context.Options.ClientName];
        connection.Hold();
        var greeting = Send(connection, context, hello);
        var tracking = credentials.Tracks ? Send(connection, context, ["CLIENT", "TRACKING", "ON", "OPTIN"]) : null;
        var database = credentials.Database == 0 ? null : Send(connection, context, ["SELECT", credentials.Database]);
        var library = Send(connection, context, ["CLIENT", "SETINFO", "LIB-NAME", "Tenfold.Redis"]);
        var ping = Send(connection, context, ["PING"]); // refused while Redis loads its data
        connection.Release();

        Require(await greeting.WaitAsync(cancel), "HELLO 3 was refused (Redis 6 or newer is needed)");
        // Some managed services have no tracking; only tracked reads need it, and say so.
        connection.IsTracking = tracking is not null && !(await tracking.WaitAsync(cancel)).IsError;
        if (database is not null)
        {
            Require(await database.WaitAsync(cancel), $"database {credentials.Database} was refused");
        }

        await library.WaitAsync(cancel); // Redis before 7.2 does not know it
        var pong = await ping.WaitAsync(cancel);
        if (pong.IsError && pong.ToException().Code is "LOADING" or "NOAUTH")
        {
            throw pong.ToException();
        }
    }

    private static Task<RedisReply> Send(Connection connection, ConnectionContext context, ReadOnlySpan<RedisArgument> command)
    {
        var operation = context.NewOperation();
        operation.KeepsErrors = true;
        var reply = new ValueTask<RedisReply>(operation, operation.Version);
        if (!connection.TrySend(operation, command))
        {
            throw new RedisConnectionException("the connection was lost", mayHaveExecuted: false);
        }

        return reply.AsTask();
    }

    private static void Require(RedisReply reply, string otherwise)
    {
        if (!reply.IsError)
        {
            return;
        }

        var error = reply.ToException();
        throw error.Code is "WRONGPASS" or "NOAUTH" or "NOPERM" or "LOADING" ? error : new RedisException($"{otherwise}: {error.Message}", error);
    }
}
