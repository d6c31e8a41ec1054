using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Tenfold.Redis.Tests.Protocol;

/// <summary>Any RESP3 value as its bytes, with what it means; made without the code under test.</summary>
internal sealed record RespText(byte[] Bytes, string Meaning)
{
    private static readonly Gen<byte[]> Blobs = Gen.Frequency(
        (8, Gen.Choose(0, 255).Select(i => (byte)i).ArrayOf().Where(bytes => bytes.Length < 300)),
        (4, Gen.Elements("", "\r\n", "$5\r\n", "*1\r\n", "OK", "inf").Select(Encoding.ASCII.GetBytes)),
        (1, Gen.Choose(1, 5000).Select(size => Enumerable.Range(0, size).Select(i => (byte)(i % 251)).ToArray())));

    private static readonly Gen<string> Lines = Gen.Elements('a', ' ', 'Z', '0', ':', '$', '*').ArrayOf().Select(chars => new string(chars));

    private static readonly Gen<long> Numbers = Gen.Frequency(
        (3, Gen.Choose(-1000, 1000).Select(i => (long)i)),
        (1, Gen.Elements(long.MinValue, long.MaxValue, int.MaxValue, 0)));

    private static readonly Gen<RespText> Scalars = Gen.OneOf(
        Blobs.Select(blob => Of(Bulk('$', blob), $"text {Convert.ToHexString(blob)}")),
        Blobs.Select(blob => Of(Bulk('!', blob), $"error {Convert.ToHexString(blob)}")),
        Blobs.Select(blob => Of(Bulk('=', [.. "txt:"u8, .. blob]), $"text {Convert.ToHexString(blob)}")),
        Lines.Select(line => Of($"+{line}\r\n", $"text {Convert.ToHexString(Encoding.ASCII.GetBytes(line))}")),
        Lines.Select(line => Of($"-{line}\r\n", $"error {Convert.ToHexString(Encoding.ASCII.GetBytes(line))}")),
        Numbers.Select(number => Of($":{number}\r\n", $"integer {number}")),
        Numbers.Select(number => Of($"({number}1234567890\r\n", $"text {Convert.ToHexString(Encoding.ASCII.GetBytes($"{number}1234567890"))}")),
        Gen.Elements("1.5", "-0.25", "inf", "-inf", "nan", "1e-7", "10").Select(text => Of($",{text}\r\n", $"double {Double(text)}")),
        Gen.Elements(true, false).Select(yes => Of(yes ? "#t\r\n" : "#f\r\n", $"boolean {yes}")),
        Gen.Elements("_\r\n", "$-1\r\n", "*-1\r\n").Select(text => Of(text, "null")));

    /// <summary>Values of every type, nested.</summary>
    public static Gen<RespText> Any { get; } = Sized(3);

    /// <summary>What a reply means, in the words of this class.</summary>
    public static string Describe(RedisReply reply) => reply.Kind switch
    {
        RedisReplyKind.Null => "null",
        RedisReplyKind.Text => $"text {Convert.ToHexString(reply.Bytes!)}",
        RedisReplyKind.Error => $"error {Convert.ToHexString(reply.ErrorBytes)}",
        RedisReplyKind.Integer => $"integer {reply.Integer}",
        RedisReplyKind.Double => $"double {reply.Double}",
        RedisReplyKind.Boolean => $"boolean {reply.Boolean}",
        var kind => $"{kind}[{string.Join(", ", reply.Items.ToArray().Select(Describe))}]",
    };

    private static Gen<RespText> Sized(int depth) => depth == 0 ? Scalars : Gen.Frequency(
        (4, Scalars),
        (1, Many('*', "Array", 1, depth)),
        (1, Many('~', "Set", 1, depth)),
        (1, Many('>', "Push", 1, depth)),
        (1, Many('%', "Map", 2, depth)),
        (1, from attribute in Many('|', "", 2, depth)
            from value in Sized(depth - 1)
            select Of([.. attribute.Bytes, .. value.Bytes], value.Meaning)));

    private static Gen<RespText> Many(char type, string name, int times, int depth) =>
        from count in Gen.Choose(0, 4)
        from items in Sized(depth - 1).ArrayOf(count * times)
        select Of([.. Encoding.ASCII.GetBytes($"{type}{count}\r\n"), .. items.SelectMany(item => item.Bytes)], $"{name}[{string.Join(", ", items.Select(item => item.Meaning))}]");

    private static byte[] Bulk(char type, byte[] content) => [.. Encoding.ASCII.GetBytes($"{type}{content.Length}\r\n"), .. content, .. "\r\n"u8];

    private static double Double(string text) => text switch
    {
        "inf" => double.PositiveInfinity,
        "-inf" => double.NegativeInfinity,
        "nan" => double.NaN,
        _ => double.Parse(text, CultureInfo.InvariantCulture),
    };

    private static RespText Of(string text, string meaning) => new(Encoding.ASCII.GetBytes(text), meaning);

    private static RespText Of(byte[] bytes, string meaning) => new(bytes, meaning);
}
