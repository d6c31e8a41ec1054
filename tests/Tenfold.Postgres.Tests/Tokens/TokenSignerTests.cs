using FsCheck;
using FsCheck.Fluent;
using Tenfold.Postgres.Tokens;

namespace Tenfold.Postgres.Tests.Tokens;

public sealed class TokenSignerTests
{
    private static readonly TokenSigner Signer = TokenSigner.FromSecret("a secret of the system");

    [Fact]
    public void What_was_written_is_read_again() => Prop.ForAll(
        ArbMap.Default.ArbFor<(ulong System, uint Timeline, ulong Lsn)[]>(),
        parts =>
        {
            ReadToken[] tokens = [.. parts.Take(Caller.MostTokens).Select(p => new ReadToken(p.System, p.Timeline, new(p.Lsn)))];
            var text = Signer.Write(tokens);
            return text.Length <= 900 && Signer.Read(text).SequenceEqual(tokens);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_text_that_was_changed_in_one_place_holds_nothing()
    {
        var text = Signer.Write([new ReadToken(7, 1, new(99))]);
        for (var i = 0; i < text.Length; i++)
        {
            var other = text[..i] + (text[i] == 'A' ? 'B' : 'A') + text[(i + 1)..];
            // The last character has bits that stand for nothing.
            Assert.True(Signer.Read(other).Count == 0 || i == text.Length - 1, other);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("A")]
    [InlineData("not base64 §")]
    [InlineData("AQAAAAAAAAAAAAAAAAAAAAAA")]
    public void A_text_that_is_no_token_holds_nothing(string text) => Assert.Empty(Signer.Read(text));

    [Fact]
    public void A_text_of_any_length_holds_nothing_and_does_no_harm() => Assert.Empty(Signer.Read(new string('A', 100_000)));

    [Fact]
    public void Another_secret_s_tokens_hold_nothing() =>
        Assert.Empty(TokenSigner.FromSecret("another one").Read(Signer.Write([new ReadToken(7, 1, new(99))])));
}
