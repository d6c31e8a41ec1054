using System.Buffers.Binary;
using System.Numerics;

namespace Tenfold.Postgres.Shards;

/// <summary>
/// MurmurHash3_x86_32 by Austin Appleby (public domain), seed 0. The same in every language and, as <c>tenfold.murmur3(bytea)</c>,
/// in every database of a sharded store: a bucket can be computed wherever a key is known.
/// </summary>
internal static class Murmur3
{
    public static uint Hash(ReadOnlySpan<byte> bytes)
    {
        uint hash = 0;
        var rest = bytes;
        for (; rest.Length >= 4; rest = rest[4..])
        {
            hash = (BitOperations.RotateLeft(hash ^ Scramble(BinaryPrimitives.ReadUInt32LittleEndian(rest)), 13) * 5) + 0xe6546b64;
        }

        if (rest.Length > 0)
        {
            Span<byte> last = stackalloc byte[4];
            last.Clear();
            rest.CopyTo(last);
            hash ^= Scramble(BinaryPrimitives.ReadUInt32LittleEndian(last));
        }

        hash ^= (uint)bytes.Length;
        hash = (hash ^ (hash >> 16)) * 0x85ebca6b;
        hash = (hash ^ (hash >> 13)) * 0xc2b2ae35;
        return hash ^ (hash >> 16);
    }

    private static uint Scramble(uint block) => BitOperations.RotateLeft(block * 0xcc9e2d51, 15) * 0x1b873593;
}
