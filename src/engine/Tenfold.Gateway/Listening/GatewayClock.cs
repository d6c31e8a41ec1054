using System.Globalization;
using System.Text;

namespace Tenfold.Gateway.Listening;

/// <summary>A <see cref="TimeProvider"/>'s monotonic time in milliseconds. Thread-safe.</summary>
internal sealed class GatewayClock(TimeProvider time)
{
    private readonly long _perMillisecond = time.TimestampFrequency / 1000;
    private DateOfSecond _date = new(-1, []);

    public TimeProvider Time => time;

    public long Now => time.GetTimestamp() / _perMillisecond;

    /// <summary>The header line that says when, as of this second.</summary>
    public ReadOnlySpan<byte> DateLine
    {
        get
        {
            var (second, date) = (Now / 1000, Volatile.Read(ref _date));
            if (date.Second != second)
            {
                date = new DateOfSecond(second, Encoding.ASCII.GetBytes($"Date: {time.GetUtcNow().ToString("R", CultureInfo.InvariantCulture)}\r\n"));
                Volatile.Write(ref _date, date);
            }

            return date.Line;
        }
    }

    public long Timestamp() => time.GetTimestamp();

    public long ToMilliseconds(long timestamp) => timestamp / _perMillisecond;

    public TimeSpan Since(long timestamp) => time.GetElapsedTime(timestamp);

    private sealed record DateOfSecond(long Second, byte[] Line);
}
