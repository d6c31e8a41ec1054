using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tenfold.Gateway.Instances;
using Tenfold.Gateway.Listening;
using Tenfold.Gateway.Retrying;
using Tenfold.Guide;
using Tenfold.Wire.Http1;

namespace Tenfold.Gateway.Forwarding;

/// <summary>One try of a request on one instance.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct Attempt(ClientExchange exchange, Instance instance, Retries retries, GatewayClock clock)
{
    /// <summary>It failed; <see cref="Flight.Failure"/> says how.</summary>
    public const int Failed = -1;

    /// <summary>It failed and the flight has moved on to another instance.</summary>
    public const int MovedOn = -2;

    /// <summary>Sends the request and passes the answer on.</summary>
    /// <returns>The answer's status once all of it has been handed over, <see cref="Failed"/> or <see cref="MovedOn"/>.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> RunAsync()
    {
        var (flight, pool) = (exchange.Flight, instance.Connections);
        var limit = TimeSpan.FromMilliseconds(Math.Max(1, Math.Min(flight.Route.ConnectTimeout.TotalMilliseconds, flight.Deadline - clock.Now)));
        var taken = await pool.TakeAsync(clock.Now, flight.Deadline, limit);
        if (taken.Connection is { } connection)
        {
            // Whoever has waited too long, or for a client that has gone, leaves the connection to others.
            if (exchange.Ending is not (Ending.None or Ending.FirstByteTimeout))
            {
                pool.Return(connection, clock.Now);
                return Fail(unsent: true, Explain(NoConnection.Busy));
            }

            var result = await OnAsync(connection, taken.Reused);
            if (result != Stale)
            {
                return result;
            }

            // The instance closed the idle connection just now; that is no failure of the instance, and a new one tells.
            taken = await pool.OpenAsync(limit);
        }

        return taken.Connection is { } fresh ? await OnAsync(fresh, reused: false) : Fail(unsent: true, Explain(taken.Why));
    }

    private const int Stale = -3;

    /// <summary>Bytes of an answer that may wait for more of it before they are sent.</summary>
    private const int MaxHeld = 16 * 1024;

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> OnAsync(Http1Connection connection, bool reused)
    {
        var flight = exchange.Flight;
        if (flight.Streams || !TryExpectFirstByte())
        {
            exchange.SetDeadline(flight.Deadline, Ending.Timeout);
        }

        exchange.Attach(connection);
        Upload? upload = null;
        try
        {
            await connection.WriteAsync(exchange.Outgoing.AsMemory(0, flight.OutgoingLength));
            if (flight.Streams)
            {
                await exchange.InviteBodyAsync(); // before the answer can come: only one may write to the client
                upload = Upload.Start(exchange, connection, this);
            }

            var head = await ReadHeadAsync(connection);
            upload?.Answered();
            exchange.SetDeadline(flight.Deadline, Ending.Timeout);
            if (RetryRules.IsRetryable(head.Status))
            {
                instance.Failed(clock.Now);
                if (flight.TryNext(unsent: false, retries, clock.Now))
                {
                    return MovedOn;
                }
            }

            if (head.Status is >= 200 and < 300 && !exchange.Request.UpgradeBytes.IsEmpty && exchange.TakesSuccessForSwitch)
            {
                flight.Failure = (502, "The instance did not change the protocol."); // it need not; the client has asked the wrong one
                return Failed;
            }

            if (head.Status != 101)
            {
                return await AnswerAsync(connection, head);
            }

            // A tunnel that nobody asked for would carry the client's next requests past the gateway.
            return exchange.Request.UpgradeBytes.IsEmpty
                ? Fail(unsent: false, (502, "The instance changed the protocol without being asked."))
                : await SwitchAsync(connection, head);
        }
        catch (Http1Exception e)
        {
            if (upload is not null && exchange.Ending != Ending.None)
            {
                await upload.Ended; // at once, whoever was waited for: then it is known which
            }

            if (upload is not null && upload.Error is { } fault)
            {
                throw new ClientException(fault.Status, fault.Message);
            }

            // Nothing came back and nobody here ended it: for what may be repeated, the connection was merely old.
            return reused && e.Fault == Http1Fault.Closed && !e.Answered && flight.Idempotent && !flight.Streams && exchange.Ending == Ending.None
                ? Stale
                : Fail(unsent: false, Explain(e));
        }
        finally
        {
            var mine = exchange.Detach();
            if (upload is not null)
            {
                await upload.StopAsync();
                mine &= upload.Complete;
            }

            if (exchange.Flight.Released)
            {
                connection.Dispose();
            }
            else if (mine && connection.Reusable)
            {
                instance.Connections.Return(connection, clock.Now);
            }
            else
            {
                instance.Connections.Discard(connection);
            }
        }
    }

    /// <summary>From now on the first byte of the answer is waited for as long as the route says, if that is before the end of all.</summary>
    public bool TryExpectFirstByte()
    {
        var flight = exchange.Flight;
        if (flight.Route.FirstByteTimeout is not { } first || clock.Now + (long)first.TotalMilliseconds is var by && by >= flight.Deadline)
        {
            return false;
        }

        exchange.SetDeadline(by, Ending.FirstByteTimeout);
        return true;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ResponseHead> ReadHeadAsync(Http1Connection connection)
    {
        while (true)
        {
            var head = await connection.ReadHeadAsync(exchange.Request.IsHead);
            if (!head.Interim)
            {
                return head;
            }

            // 100 is between the instance and the gateway, which has told the client to go on itself.
            if (head.Status != 100 && exchange.TakesInterim)
            {
                exchange.WriteHead(head);
                await exchange.FlushAsync();
            }
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> AnswerAsync(Http1Connection connection, ResponseHead head)
    {
        var status = head.Status;
        // A small body is taken as a whole first: one write to the client, and an instance that dies in it costs nothing.
        await connection.BufferBodyAsync();
        var endless = head.TryGet("content-type"u8, out var type) && type.StartsWith("text/event-stream"u8);
        if (endless)
        {
            Release();
        }

        exchange.WriteHead(head);
        var held = 0;
        while (true)
        {
#pragma warning disable CA2012 // Awaited once, or not at all when the client has gone and the connection with it.
            var reading = connection.ReadBodyAsync();
#pragma warning restore CA2012
            // What is there, and be it the head alone, goes out before the instance is waited for; what comes together goes out together.
            if (!reading.IsCompleted || held >= MaxHeld)
            {
                if (!await exchange.FlushAsync())
                {
                    return Gone();
                }

                held = 0;
            }

            var piece = await reading;
            if (!piece.IsEmpty)
            {
                exchange.WriteBody(piece.Span);
                held += piece.Length;
                if (endless)
                {
                    // Server-sent events have no end: the time limit is one between two of them.
                    exchange.SetDeadline(clock.Now + (long)exchange.Flight.Route.Timeout.TotalMilliseconds, Ending.Timeout);
                }
            }

            if (connection.BodyDone)
            {
                exchange.WriteEnd(connection.Trailers, connection.TrailerBytes);
                return await exchange.FlushAsync() ? status : Gone();
            }
        }
    }

    private async ValueTask<int> SwitchAsync(Http1Connection connection, ResponseHead head)
    {
        var client = exchange;
        Release();
        client.ClearDeadline();
        client.WriteHead(head);
        await using var registration = instance.Leaving.UnsafeRegister(static c => ((ClientExchange)c!).End(Ending.InstanceGone), client);
        await client.TunnelAsync(connection);
        return 101;
    }

    // An endless answer may stay for hours; it must not take the place of ordinary requests.
    private void Release()
    {
        exchange.Flight.Released = true;
        instance.Connections.Release();
    }

    private int Gone()
    {
        exchange.End(Ending.ClientGone);
        exchange.Flight.Failure = (0, "The client has gone.");
        return Failed;
    }

    private int Fail(bool unsent, (int Status, string Detail) failure)
    {
        var flight = exchange.Flight;
        flight.Failure = failure;
        if (exchange.Ending is Ending.ClientGone or Ending.InstanceGone)
        {
            return Failed;
        }

        instance.Failed(clock.Now);
        return !exchange.Started && exchange.Ending != Ending.Timeout && flight.TryNext(unsent, retries, clock.Now) ? MovedOn : Failed;
    }

    private static (int Status, string Detail) Explain(NoConnection why) => why switch
    {
        NoConnection.Late => (504, "An instance did not accept a connection in time."),
        NoConnection.Busy => (504, "Every connection that an instance may have was in use until the time limit."),
        _ => (502, "An instance could not be reached."),
    };

    private (int Status, string Detail) Explain(Http1Exception e) => exchange.Ending switch
    {
        Ending.Timeout or Ending.FirstByteTimeout => (504, "The instance did not answer in time."),
        _ => e.Fault switch
        {
            Http1Fault.Malformed => (502, $"The instance's answer is not valid HTTP: {e.Message}."),
            Http1Fault.TooLarge => (502, "The head of the instance's answer is too large."),
            _ => (502, "The instance ended the connection before its answer was complete."),
        },
    };
}
