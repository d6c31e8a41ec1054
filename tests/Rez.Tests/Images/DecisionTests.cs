using Rez.Images;

namespace Rez.Tests.Images;

/// <summary>What is made, what is served, and what the words of libvips mean.</summary>
public sealed class DecisionTests
{
    [Theory]
    [InlineData(1200, "200 400 600 900 1200")]
    [InlineData(1000, "200 400 600 900 1000")]
    [InlineData(950, "200 400 600 950")] // 900 would hardly be smaller
    [InlineData(900, "200 400 600 900")]
    [InlineData(223, "200 223")]
    [InlineData(200, "200")]
    [InlineData(120, "120")]
    [InlineData(1, "1")]
    public void Widths_go_up_to_the_image_s_own(int width, string made) => Assert.Equal(made, string.Join(' ', ImageSizes.Widths(width)));

    [Fact]
    public void There_are_at_most_five_widths_none_larger_than_the_image() =>
        Assert.All(Enumerable.Range(1, ImageSizes.Most), width => Assert.True(ImageSizes.Widths(width) is { Length: <= 5 } made && made[^1] == width && made.SequenceEqual(made.Distinct().Order())));

    [Theory]
    [InlineData(1, 200)]
    [InlineData(200, 200)]
    [InlineData(201, 400)]
    [InlineData(600, 600)]
    [InlineData(5000, 600)]
    public void The_next_larger_width_is_served_or_the_largest(int asked, int served) => Assert.Equal(served, ImageSizes.Nearest([200, 400, 600], asked));

    [Theory]
    [InlineData(null, false)]
    [InlineData("", false)]
    [InlineData("*/*", false)]
    [InlineData("image/*", false)]
    [InlineData("image/jpeg", false)]
    [InlineData("image/webp", true)]
    [InlineData("IMAGE/WEBP", true)]
    [InlineData("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", true)]
    [InlineData("image/webp;q=0", false)]
    [InlineData("image/webp;q=0.5, image/jpeg", false)]
    [InlineData("image/webp, image/jpeg;q=0.9", true)]
    [InlineData("image/jpeg;q=0.3, image/webp;q=0.3", true)]
    [InlineData("not an accept header", false)]
    public void WebP_is_for_those_who_name_it(string? accept, bool isWebP) => Assert.Equal(isWebP, ImageAccept.Choose(accept is null ? [] : [accept]));

    [Theory]
    [InlineData(1, "VipsJpeg: Premature end of input file\n", "it is broken: VipsJpeg: Premature end of input file")]
    [InlineData(1, "pngload: libspng read error\n\n(vips:1): VIPS-WARNING **: x\n", "it is broken: pngload: libspng read error")]
    [InlineData(1, "", "it is broken: libvips does not say why")]
    [InlineData(152, "", "it takes more than 60 s of processor time")]
    [InlineData(153, "", "it becomes larger than 64 MiB")]
    public void A_broken_image_is_not_tried_again(int code, string said, string problem) => Assert.Equal(problem, Assert.Throws<ImageException>(() => Vips.Judge(code, said)).Message);

    [Theory]
    [InlineData(137, "")]
    [InlineData(1, "unable to write to \"decoded.v\"\nsystem error: No space left on device")]
    public void A_machine_in_trouble_is_no_broken_image(int code, string said) => Assert.Throws<IOException>(() => Vips.Judge(code, said));

    [Fact]
    public void Success_is_silent() => Vips.Judge(0, "(vips:1): VIPS-WARNING **: something");
}
