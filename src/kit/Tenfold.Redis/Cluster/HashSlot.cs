using System.Buffers;
using System.Text;

namespace Tenfold.Redis.Cluster;

/// <summary>The slot of a key: CRC16 (XMODEM) modulo 16,384, of what stands between the first { and the next } if that is not empty.</summary>
internal static class HashSlot
{
    public const int Count = 16384;

    private static readonly ushort[] Table = MakeTable();

    public static int Of(in RedisKey key)
    {
        if (key.Text is not { } text)
        {
            return Of(key.Bytes.Span);
        }

        var size = Encoding.UTF8.GetMaxByteCount(text.Length);
        if (size <= 512)
        {
            Span<byte> small = stackalloc byte[512];
            return Of(small[..Encoding.UTF8.GetBytes(text, small)]);
        }

        var large = ArrayPool<byte>.Shared.Rent(size);
        var slot = Of(large.AsSpan(0, Encoding.UTF8.GetBytes(text, large)));
        ArrayPool<byte>.Shared.Return(large);
        return slot;
    }

    public static int Of(ReadOnlySpan<byte> key)
    {
        var open = key.IndexOf((byte)'{');
        if (open >= 0)
        {
            var length = key[(open + 1)..].IndexOf((byte)'}');
            if (length > 0)
            {
                key = key.Slice(open + 1, length);
            }
        }

        var crc = 0;
        foreach (var b in key)
        {
            crc = (ushort)(crc << 8) ^ Table[((crc >> 8) ^ b) & 0xFF];
        }

        return crc & (Count - 1);
    }

    private static ushort[] MakeTable()
    {
        var table = new ushort[256];
        for (var i = 0; i < table.Length; i++)
        {
            var crc = i << 8;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1;
            }

            table[i] = (ushort)crc;
        }

        return table;
    }
}
