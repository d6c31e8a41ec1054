using System.Net;
using System.Net.Sockets;
using Tenfold.Redis.Connections;
using Tenfold.Redis.Tests.Support;

namespace Tenfold.Redis.Tests.Connections;

public sealed class ConnectionTests
{
    [Fact]
    public async Task Nothing_is_connected_before_the_client_is_whole()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var made = new TaskCompletionSource();
        using var over = new CancellationTokenSource();
        var connector = new Connector(new FakeContext().Context with { Made = made.Task });
        var connecting = connector.ConnectAsync(listener.LocalEndpoint, new Credentials(null, null, 0, Tracks: false), over.Token);
        Assert.False(listener.Pending());
        made.SetResult();
        using var accepted = await listener.AcceptSocketAsync(over.Token).AsTask().WaitAsync(Eventually.Patience, CancellationToken.None);
        await over.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting);
    }

    [Fact]
    public async Task Answers_that_came_before_a_loss_are_told_once_and_their_batch_is_not_run_again()
    {
        var fake = new FakeContext();
        for (var i = 0; i < 100; i++)
        {
            var stream = new FakeStream();
            var connection = fake.Connect(stream);
            var answer = fake.Send(connection, "PING");
            stream.Answer("+PONG\r\n");
            Assert.Equal("PONG", (await answer.WaitAsync(Eventually.Patience)).Text);

            // The batch that told it is free again; another connection's loop now gathers answers in it.
            var batch = fake.Context.Dispatcher.Rent();
            var operation = fake.Context.NewOperation();
            operation.TrySettle(RedisReply.OfInteger(1));
            batch.Add(operation);
            var other = new ValueTask<RedisReply>(operation, operation.Version);
            stream.Cut();
            await connection.Ended.WaitAsync(Eventually.Patience);
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => { })));
            Assert.False(other.IsCompleted, "the lost connection ran what is not its own");
            fake.Context.Dispatcher.Run(batch);
            Assert.Equal(1, (await other).Integer);
        }
    }

    [Fact]
    public async Task A_command_that_began_to_wait_while_the_last_room_was_made_is_sent()
    {
        var fake = new FakeContext(options => options with { MaxPending = 16 });
        var stream = new FakeStream();
        var connection = fake.Connect(stream);
        var first = Enumerable.Range(0, 16).Select(_ => fake.Send(connection, "PING")).ToArray();
        var value = new byte[200_000_000]; // copied while the last answers come: there was no room when it was looked at
        var begun = new TaskCompletionSource();
        var late = Task.Run(() =>
        {
            begun.SetResult();
            return fake.Send(connection, "SET", "key", value);
        });
        await begun.Task;
        stream.Answer(string.Concat(Enumerable.Repeat("+PONG\r\n", 16)));
        await Task.WhenAll(first).WaitAsync(Eventually.Patience);
        await Eventually.IsTrueAsync(
            () =>
            {
                fake.Beat(connection);
                return stream.Written > value.Length;
            },
            "sent");
        stream.Answer("+OK\r\n");
        Assert.Equal("OK", (await late.WaitAsync(Eventually.Patience)).Text);
        stream.Cut();
        await connection.Ended;
    }

    [Fact]
    public async Task What_is_large_and_goes_out_slowly_is_no_sign_of_a_stuck_connection_until_it_stops()
    {
        var fake = new FakeContext(options => options with { StuckAfter = 10 * Ticks.Period, CommandTimeout = TimeSpan.FromHours(1) });
        var stream = new FakeStream { HoldsWrites = true };
        var connection = fake.Connect(stream);
        var answer = fake.Send(connection, "SET", "key", new byte[1024 * 1024]);
        for (var piece = 0; piece < 4; piece++)
        {
            for (var beats = 0; beats < 8; beats++)
            {
                fake.Beat(connection);
            }

            var before = stream.Written;
            stream.LetWrite();
            await Eventually.IsTrueAsync(() => stream.Written > before, "a piece is out");
            await Eventually.IsTrueAsync(() => connection.LastSign == fake.Context.Ticks.Now, "noticed");
        }

        Assert.False(connection.Ended.IsCompleted);
        for (var beats = 0; beats < 11; beats++)
        {
            fake.Beat(connection);
        }

        Assert.Contains("is stuck", (await connection.Ended.WaitAsync(Eventually.Patience)).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<RedisConnectionException>(() => answer);
    }
}
