using System.Runtime.InteropServices;

namespace Tenfold.Load.Loops;

/// <summary>The few calls of Linux that .NET does not offer: epoll, a connect that does not wait, the open-files limit.</summary>
internal static unsafe partial class Native
{
    public const int EpollAdd = 1;
    public const int EpollMod = 3;
    public const uint In = 0x1;
    public const uint Out = 0x4;
    public const uint Err = 0x8;
    public const uint Hup = 0x10;
    public const int EINTR = 4;
    public const int ENOSYS = 38;
    public const int EADDRNOTAVAIL = 99;
    public const int EINPROGRESS = 115;

    private const int CloseOnExec = 0x80000;
    private const int TimerSlack = 29;
    private const int NumberOfFiles = 7;

    public static int EpollCreate() => epoll_create1(CloseOnExec);

    public static int EpollControl(int epoll, int operation, int fd, uint events, ulong data)
    {
        if (RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.X86)
        {
            var packed = new PackedEvent { Events = events, Data = data };
            return epoll_ctl(epoll, operation, fd, &packed);
        }

        var padded = new PaddedEvent { Events = events, Data = data };
        return epoll_ctl(epoll, operation, fd, &padded);
    }

    /// <summary>Bytes of one event in the kernel's array: 12 on x86, 16 elsewhere.</summary>
    public static int EventSize { get; } = RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.X86 ? sizeof(PackedEvent) : sizeof(PaddedEvent);

    public static (uint Events, ulong Data) EventAt(byte* events, int index) =>
        EventSize == sizeof(PackedEvent)
            ? (((PackedEvent*)events)[index].Events, ((PackedEvent*)events)[index].Data)
            : (((PaddedEvent*)events)[index].Events, ((PaddedEvent*)events)[index].Data);

    /// <summary>Waits to the nanosecond where the kernel can (5.11), else to the millisecond below. -1 with errno on failure.</summary>
    public static int EpollWait(int epoll, byte* events, int max, long nanoseconds, ref bool coarse)
    {
        if (!coarse)
        {
            var time = new TimeSpec { Seconds = nanoseconds / 1_000_000_000, Nanoseconds = nanoseconds % 1_000_000_000 };
            try
            {
                var n = epoll_pwait2(epoll, events, max, &time, null);
                if (n >= 0 || Marshal.GetLastPInvokeError() != ENOSYS)
                {
                    return n;
                }
            }
            catch (EntryPointNotFoundException)
            {
                // glibc before 2.35
            }

            coarse = true;
        }

        return epoll_wait(epoll, events, max, (int)(nanoseconds / 1_000_000));
    }

    public static int Connect(int fd, ReadOnlySpan<byte> address)
    {
        fixed (byte* p = address)
        {
            return connect(fd, p, (uint)address.Length) == 0 ? 0 : Marshal.GetLastPInvokeError();
        }
    }

    public static void Close(int fd) => _ = close(fd);

    /// <summary>Lets this thread's timers fire on time instead of up to 50 µs later.</summary>
    public static void TightenTimers() => _ = prctl(TimerSlack, 1, 0, 0, 0);

    /// <summary>Raises the limit of open files to at least <paramref name="wanted"/> if it may; the limit that holds then.</summary>
    public static long RaiseOpenFiles(long wanted)
    {
        ResourceLimit limit;
        if (getrlimit(NumberOfFiles, &limit) != 0)
        {
            return long.MaxValue;
        }

        if (limit.Current < (ulong)wanted)
        {
            var raised = new ResourceLimit { Current = (ulong)wanted, Max = Math.Max(limit.Max, (ulong)wanted) };
            if (setrlimit(NumberOfFiles, &raised) != 0)
            {
                raised = new ResourceLimit { Current = limit.Max, Max = limit.Max };
                _ = setrlimit(NumberOfFiles, &raised);
            }

            _ = getrlimit(NumberOfFiles, &limit);
        }

        return (long)Math.Min(limit.Current, long.MaxValue);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_ctl(int epoll, int operation, int fd, void* @event);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_pwait2(int epoll, byte* events, int max, TimeSpec* timeout, void* signals);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_wait(int epoll, byte* events, int max, int milliseconds);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int connect(int fd, byte* address, uint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int fd);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int prctl(int option, nuint a, nuint b, nuint c, nuint d);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getrlimit(int resource, ResourceLimit* limit);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setrlimit(int resource, ResourceLimit* limit);

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct PackedEvent
    {
        public uint Events;
        public ulong Data;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PaddedEvent
    {
        public uint Events;
        public ulong Data;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ResourceLimit
    {
        public ulong Current;
        public ulong Max;
    }
}
