using FsCheck;
using FsCheck.Fluent;

namespace Tenfold.Guide.Tests;

public sealed class QuantitiesTests
{
    [Theory]
    [InlineData("0", "0s")]
    [InlineData("0s", "0s")]
    [InlineData("500ms", "500ms")]
    [InlineData("1500ms", "1s500ms")]
    [InlineData("1.5s", "1s500ms")]
    [InlineData("90s", "1m30s")]
    [InlineData("1m30s", "1m30s")]
    [InlineData("1h", "1h")]
    [InlineData("1d12h", "1d12h")]
    [InlineData("250us", "250us")]
    public void Durations_are_read_and_written(string text, string written)
    {
        Assert.True(Duration.TryParse(text, out var duration, out _));
        Assert.Equal(written, Duration.Format(duration));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" 5s")]
    [InlineData("5 s")]
    [InlineData("5S")]
    [InlineData("s")]
    [InlineData("30s1m")]
    [InlineData("1s1s")]
    [InlineData("5.s")]
    [InlineData(".5s")]
    [InlineData("1.2.3s")]
    [InlineData("+5s")]
    [InlineData("1e3s")]
    [InlineData("٣s")]
    public void Anything_else_is_no_duration(string text)
    {
        Assert.False(Duration.TryParse(text, out _, out var error));
        Assert.Equal($"expected a duration such as 500ms, 30s, 5m or 1h, found '{text}'", error);
    }

    [Theory]
    [InlineData("500m", 500)]
    [InlineData("1.5", 1500)]
    [InlineData("2", 2000)]
    public void Processor_shares_are_thousandths_of_a_core(string text, int millicores)
    {
        Assert.True(Cpu.TryParse(text, out var cpu, out _));
        Assert.Equal(millicores, cpu.Millicores);
    }

    [Theory]
    [InlineData("0", 0L)]
    [InlineData("17", 17L)]
    [InlineData("64k", 64_000L)]
    [InlineData("64Ki", 65_536L)]
    [InlineData("5M", 5_000_000L)]
    [InlineData("512Mi", 536_870_912L)]
    [InlineData("1.5Gi", 1_610_612_736L)]
    [InlineData("2G", 2_000_000_000L)]
    public void Sizes_have_binary_and_decimal_units(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out var size, out _));
        Assert.Equal(bytes, size.Bytes);
    }

    [Theory]
    [InlineData("9999999999Gi")]
    [InlineData("0.5")]
    public void A_size_that_no_number_of_bytes_is_is_refused(string text)
    {
        Assert.False(ByteSize.TryParse(text, out _, out var error));
        Assert.Equal($"'{text}' is too much, or not a whole number of bytes", error);
    }

    [Theory]
    [InlineData("5", 5)]
    [InlineData("50k", 50_000)]
    [InlineData("1.5k", 1_500)]
    [InlineData("2M", 2_000_000)]
    [InlineData("-3k", -3_000)]
    public void Counts_have_suffixes(string text, int expected)
    {
        Assert.True(Number.TryParseCount(text, out var count, out _));
        Assert.Equal(expected, count);
    }

    [Theory]
    [InlineData("k")]
    [InlineData("5K")]
    [InlineData("1_000")]
    [InlineData("1,000")]
    [InlineData("--1")]
    [InlineData("1e6")]
    [InlineData("NaN")]
    [InlineData("99999999999999999999999999999999999999")]
    public void Anything_else_is_no_count(string text) => Assert.False(Number.TryParseCount(text, out _, out _));

    [Fact]
    public void Every_duration_reads_back_as_written() => Prop.ForAll(
        ArbMap.Default.ArbFor<long>().Filter(ticks => ticks >= 0),
        ticks => Duration.TryParse(Duration.Format(new TimeSpan(ticks)), out var back, out _) && back.Ticks == ticks).QuickCheckThrowOnFailure();

    [Fact]
    public void Every_long_duration_reads_back_as_written() => Prop.ForAll(
        Gen.Choose(0, int.MaxValue).Select(n => n * 1_000_000_007L).ToArbitrary(),
        ticks => Duration.TryParse(Duration.Format(new TimeSpan(ticks)), out var back, out _) && back.Ticks == ticks).QuickCheckThrowOnFailure();

    [Fact]
    public void Every_size_reads_back_as_written() => Prop.ForAll(
        Gen.Choose(0, int.MaxValue).SelectMany(n => Gen.Elements(1L, 1L << 10, 1L << 20, 1L << 30).Select(unit => n * unit)).ToArbitrary(),
        bytes => ByteSize.TryParse(new ByteSize(bytes).ToString(), out var back, out _) && back.Bytes == bytes).QuickCheckThrowOnFailure();

    [Fact]
    public void Every_processor_share_reads_back_as_written() => Prop.ForAll(
        Gen.Choose(0, int.MaxValue).ToArbitrary(),
        milli => Cpu.TryParse(new Cpu(milli).ToString(), out var back, out _) && back.Millicores == milli).QuickCheckThrowOnFailure();

    [Fact]
    public void Every_percentage_of_three_decimals_reads_back_as_written() => Prop.ForAll(
        Gen.Choose(0, 100_000).Select(n => n / 1000m).ToArbitrary(),
        percent =>
        {
            var text = percent.ToString("0.###", System.Globalization.CultureInfo.InvariantCulture) + "%";
            return Percentage.TryParse(text, out var share, out _) && share.ToString() == text;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Every_text_is_a_quantity_or_an_error() => Prop.ForAll(
        ArbMap.Default.ArbFor<NonNull<string>>(),
        text => Duration.TryParse(text.Get, out _, out var a) == (a is null)
            && Cpu.TryParse(text.Get, out _, out var b) == (b is null)
            && ByteSize.TryParse(text.Get, out _, out var c) == (c is null)
            && Percentage.TryParse(text.Get, out _, out var d) == (d is null)
            && RouteKey.TryParse(text.Get, out _, out var e) == (e is null)).QuickCheckThrowOnFailure();
}
