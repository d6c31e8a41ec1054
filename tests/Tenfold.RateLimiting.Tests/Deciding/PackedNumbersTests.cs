using Tenfold.RateLimiting.Deciding;

namespace Tenfold.RateLimiting.Tests.Deciding;

public sealed class PackedNumbersTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(255)]
    [InlineData(65_536)]
    [InlineData(4_294_967_295)]
    [InlineData(4_294_967_296)]
    [InlineData(long.MaxValue)]
    public void What_was_written_is_read(long number)
    {
        var bytes = new byte[PackedNumbers.MaxLength];
        ReadOnlySpan<byte> rest = bytes.AsSpan(0, PackedNumbers.Write(bytes, number));

        Assert.Equal(number, PackedNumbers.Read(ref rest));
        Assert.True(rest.IsEmpty);
    }

    [Theory]
    [InlineData("cc80", 128)]
    [InlineData("cd0100", 256)]
    [InlineData("d30000000000000007", 7)]
    [InlineData("cb4029000000000000", 12)] // 12.5
    [InlineData("ca41480000", 12)]
    public void Other_ways_to_write_a_number_are_read_too(string hex, long number)
    {
        ReadOnlySpan<byte> rest = Convert.FromHexString(hex);
        Assert.Equal(number, PackedNumbers.Read(ref rest));
    }

    [Theory]
    [InlineData("")]
    [InlineData("ce0000")]
    [InlineData("a161")]
    [InlineData("ff")] // -1
    [InlineData("d3ffffffffffffffff")]
    public void What_is_no_number_is_refused(string hex) => Assert.Throws<FormatException>(() =>
    {
        ReadOnlySpan<byte> rest = Convert.FromHexString(hex);
        return PackedNumbers.Read(ref rest);
    });

    [Theory]
    [InlineData("93", 3)]
    [InlineData("dc0100", 256)]
    [InlineData("dd00010000", 65_536)]
    public void Heads_of_arrays_are_read(string hex, int count)
    {
        ReadOnlySpan<byte> rest = Convert.FromHexString(hex);
        Assert.Equal(count, PackedNumbers.ReadHead(ref rest));
    }
}
