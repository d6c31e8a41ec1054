using System.Net;
using System.Threading.Channels;
using Tenfold.Redis.Connections;
using Tenfold.Redis.Metrics;

namespace Tenfold.Redis.Tests.Support;

/// <summary>A connection whose network and clock are the test's.</summary>
internal sealed class FakeStream : Stream
{
    private readonly Channel<byte[]> _answers = Channel.CreateUnbounded<byte[]>(new UnboundedChannelOptions { AllowSynchronousContinuations = true });
    private readonly SemaphoreSlim _mayWrite = new(0);
    private int _written;

    /// <summary>Whether each write waits for <see cref="LetWrite"/>.</summary>
    public bool HoldsWrites { get; init; }

    public int Written => Volatile.Read(ref _written);

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public void Answer(string text) => _answers.Writer.TryWrite(text.Utf8());

    public void Cut() => _answers.Writer.TryComplete(new IOException("cut"));

    public void LetWrite() => _mayWrite.Release();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            var answer = await _answers.Reader.ReadAsync(cancellationToken);
            answer.CopyTo(buffer);
            return answer.Length;
        }
        catch (ChannelClosedException e)
        {
            throw e.InnerException!;
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (HoldsWrites)
        {
            await _mayWrite.WaitAsync(cancellationToken);
        }

        Interlocked.Add(ref _written, buffer.Length);
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _answers.Writer.TryComplete(new ObjectDisposedException(nameof(FakeStream)));
        base.Dispose(disposing);
    }
}

/// <summary>What a connection needs around it; its clock beats when the test says so.</summary>
internal sealed class FakeContext : TimeProvider, IPushes, IResender
{
    private TimerCallback? _beat;

    public FakeContext(Func<RedisOptions, RedisOptions>? change = null)
    {
        var options = RedisOptions.Parse("redis://127.0.0.1:1");
        Context = new ConnectionContext
        {
            Options = change?.Invoke(options) ?? options,
            Time = this,
            Ticks = new Ticks(this, static _ => { }),
            Dispatcher = new Dispatcher(this),
            Operations = new OperationPool(16),
            Counters = new ClientCounters(this),
            Random = new Random(1),
            Pushes = this,
            Resender = this,
            Made = Task.CompletedTask,
        };
    }

    public ConnectionContext Context { get; }

    /// <summary>50 ms pass.</summary>
    public void Beat(Connection connection)
    {
        _beat!(null);
        connection.Tick(Context.Ticks.Now);
    }

    public Connection Connect(FakeStream stream)
    {
        var connection = new Connection(stream, new IPEndPoint(IPAddress.Loopback, 1), Context);
        connection.Start();
        return connection;
    }

    /// <summary>Sends a command; its answer.</summary>
    public Task<RedisReply> Send(Connection connection, params ReadOnlySpan<RedisArgument> command)
    {
        var operation = Context.NewOperation();
        var answer = new ValueTask<RedisReply>(operation, operation.Version).AsTask();
        Assert.True(connection.TrySend(operation, command));
        return answer;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        _beat = callback;
        return new NoTimer();
    }

    void IPushes.Take(Connection connection, RedisReply push)
    {
    }

    void IPushes.Lost()
    {
    }

    bool IResender.TakesOver(Operation operation, RedisReply error, EndPoint from) => false;

    bool IResender.TakesOver(Operation operation) => false;

    private sealed class NoTimer : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => default;
    }
}
