using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Tenfold.Load.Loops;

/// <summary>
/// One thread that waits for its sockets and timers and does all work of its users. Everything that belongs to a loop is
/// touched by its thread only, so nothing is locked, and the time between an event and its handling is the generator's own
/// lag, which can be measured. Timers fire to some 10 µs (epoll_pwait2).
/// </summary>
/// <remarks>Not thread-safe, but <see cref="Post"/>.</remarks>
internal sealed unsafe class EventLoop : IDisposable
{
    /// <summary>Bytes that one read takes from a socket at most.</summary>
    public const int ReceiveSize = 64 * 1024;

    private const int MaxEvents = 512;
    private const long LongestWait = 20_000_000; // 20 ms: how soon a Post is seen

    private readonly int _epoll;
    private readonly byte* _events = (byte*)NativeMemory.Alloc((nuint)(MaxEvents * Native.EventSize));
    private readonly PriorityQueue<ITimed, long> _timers = new();
    private readonly Queue<ITimed> _deferred = new();
    private readonly System.Collections.Concurrent.ConcurrentQueue<Action> _posted = new();
    private IReady?[] _ready = new IReady?[1024];
    private uint[] _generation = new uint[1024];
    private bool _coarse;
    private int _thread;

    public EventLoop()
    {
        _epoll = Native.EpollCreate();
        if (_epoll < 0)
        {
            throw new LoadException(LoadFault.Machine, $"cannot wait for sockets (epoll_create1: error {Marshal.GetLastPInvokeError()})");
        }
    }

    /// <summary>What a read goes into; used at once, by whoever reads.</summary>
    public byte[] Received { get; } = GC.AllocateUninitializedArray<byte>(ReceiveSize);

    /// <summary>Nanoseconds spent working rather than waiting.</summary>
    public long Busy { get; private set; }

    /// <summary>Whether the caller runs on the loop's thread.</summary>
    public bool IsCurrent => Environment.CurrentManagedThreadId == _thread;

    /// <summary>Monotonic nanoseconds. A loop has real timers, so no other clock would do.</summary>
    public static long Now() => Stopwatch.Frequency == 1_000_000_000 ? Stopwatch.GetTimestamp() : Stopwatch.GetElapsedTime(0).Ticks * TimeSpan.NanosecondsPerTick;

    /// <summary>Works until <paramref name="until"/> says so; it is asked after every round, at least every 20 ms.</summary>
    public void Run(Func<bool> until)
    {
        _thread = Environment.CurrentManagedThreadId;
        Native.TightenTimers();
        var woken = Now();
        while (true)
        {
            RunDue();
            if (until())
            {
                return;
            }

            var now = Now();
            Busy += now - woken;
            var wait = _deferred.Count > 0 ? 0 : _timers.TryPeek(out _, out var due) ? Math.Clamp(due - now, 0, LongestWait) : LongestWait;
            var n = Native.EpollWait(_epoll, _events, MaxEvents, wait, ref _coarse);
            woken = Now();
            if (n < 0 && Marshal.GetLastPInvokeError() != Native.EINTR)
            {
                throw new LoadException(LoadFault.Machine, $"cannot wait for sockets (epoll_wait: error {Marshal.GetLastPInvokeError()})");
            }

            for (var i = 0; i < n; i++)
            {
                var (events, data) = Native.EventAt(_events, i);
                var fd = (int)(data & 0xffffffff);
                if (_generation[fd] == (uint)(data >> 32)) // else closed by an event before it
                {
                    _ready[fd]?.OnReady(events);
                }
            }
        }
    }

    /// <summary>Calls <see cref="ITimed.OnDue"/> at <paramref name="due"/> (see <see cref="Now"/>). It cannot be taken back.</summary>
    public void At(long due, ITimed timed) => _timers.Enqueue(timed, due);

    /// <summary>Calls <see cref="ITimed.OnDue"/> in this round, but not from within the caller.</summary>
    public void Defer(ITimed timed) => _deferred.Enqueue(timed);

    /// <summary>Runs something on the loop's thread, within 20 ms. Thread-safe.</summary>
    public void Post(Action action) => _posted.Enqueue(action);

    /// <summary>Begins to watch a socket.</summary>
    public void Watch(Socket socket, uint events, IReady ready)
    {
        var fd = (int)socket.Handle;
        if (fd >= _ready.Length)
        {
            Array.Resize(ref _ready, Math.Max(fd + 1, _ready.Length * 2));
            Array.Resize(ref _generation, _ready.Length);
        }

        _ready[fd] = ready;
        Control(Native.EpollAdd, fd, events);
    }

    /// <summary>Changes what is watched for.</summary>
    public void Change(Socket socket, uint events) => Control(Native.EpollMod, (int)socket.Handle, events);

    /// <summary>Stops watching; the caller closes the socket, which takes it out of the kernel's list.</summary>
    public void Forget(Socket socket)
    {
        var fd = (int)socket.Handle;
        _ready[fd] = null;
        _generation[fd]++;
    }

    public void Dispose()
    {
        Native.Close(_epoll);
        NativeMemory.Free(_events);
    }

    private void RunDue()
    {
        while (_posted.TryDequeue(out var action))
        {
            action();
        }

        for (var n = _deferred.Count; n > 0; n--)
        {
            _deferred.Dequeue().OnDue(Now());
        }

        // Sockets get their turn after the timers that are due now, even if those set new ones at once.
        if (_timers.TryPeek(out _, out var due))
        {
            var now = Now();
            while (due <= now && _timers.TryDequeue(out var timed, out _))
            {
                timed.OnDue(due);
                if (!_timers.TryPeek(out _, out due))
                {
                    break;
                }
            }
        }
    }

    private void Control(int operation, int fd, uint events)
    {
        if (Native.EpollControl(_epoll, operation, fd, events, ((ulong)_generation[fd] << 32) | (uint)fd) != 0)
        {
            throw new LoadException(LoadFault.Machine, $"cannot watch a socket (epoll_ctl: error {Marshal.GetLastPInvokeError()})");
        }
    }
}

/// <summary>Told when its socket can be read or written.</summary>
internal interface IReady
{
    /// <param name="events">Of <see cref="Native"/>: In, Out, Err, Hup.</param>
    void OnReady(uint events);
}

/// <summary>Told when a time has come.</summary>
internal interface ITimed
{
    /// <param name="due">The time that it was set for; the clock may show more.</param>
    void OnDue(long due);
}
