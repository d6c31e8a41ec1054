using System.Diagnostics.CodeAnalysis;

namespace Tenfold.Redis;

/// <summary>A key: bytes, or a text as UTF-8. It keeps the memory it was made from; do not change that while a command is under way.</summary>
[SuppressMessage("Usage", "CA2225", Justification = "The constructors are the named alternatives.")]
public readonly struct RedisKey
{
    internal readonly string? Text;
    internal readonly ReadOnlyMemory<byte> Bytes;

    public RedisKey(ReadOnlyMemory<byte> bytes) => Bytes = bytes;

    public RedisKey(string text) => Text = text ?? throw new ArgumentNullException(nameof(text));

    public static implicit operator RedisKey(string text) => new(text);

    public static implicit operator RedisKey(byte[] bytes) => new(bytes ?? throw new ArgumentNullException(nameof(bytes)));

    public static implicit operator RedisKey(ReadOnlyMemory<byte> bytes) => new(bytes);

    internal ReadOnlyMemory<byte> ToMemory() => Text is null ? Bytes : System.Text.Encoding.UTF8.GetBytes(Text);

    public override string ToString() => Text ?? System.Text.Encoding.UTF8.GetString(Bytes.Span);
}

/// <summary>One word of a command: bytes, a text as UTF-8, or a number in decimal. It keeps the memory it was made from.</summary>
[SuppressMessage("Usage", "CA2225", Justification = "The constructors are the named alternatives.")]
public readonly struct RedisArgument
{
    internal readonly string? Text;
    internal readonly ReadOnlyMemory<byte> Bytes;
    internal readonly long Number;
    internal readonly bool IsNumber;

    public RedisArgument(ReadOnlyMemory<byte> bytes) => Bytes = bytes;

    public RedisArgument(string text) => Text = text ?? throw new ArgumentNullException(nameof(text));

    public RedisArgument(long number) => (Number, IsNumber) = (number, true);

    public RedisArgument(RedisKey key) => (Text, Bytes) = (key.Text, key.Bytes);

    public static implicit operator RedisArgument(string text) => new(text);

    public static implicit operator RedisArgument(byte[] bytes) => new(bytes ?? throw new ArgumentNullException(nameof(bytes)));

    public static implicit operator RedisArgument(ReadOnlyMemory<byte> bytes) => new(bytes);

    public static implicit operator RedisArgument(long number) => new(number);

    public static implicit operator RedisArgument(double number) => new(number.ToString("R", System.Globalization.CultureInfo.InvariantCulture));

    public static implicit operator RedisArgument(RedisKey key) => new(key);

    internal RedisKey ToKey() => IsNumber ? new RedisKey(ToString()) : Text is null ? new RedisKey(Bytes) : new RedisKey(Text);

    public override string ToString() =>
        IsNumber ? Number.ToString(System.Globalization.CultureInfo.InvariantCulture) : Text ?? System.Text.Encoding.UTF8.GetString(Bytes.Span);
}
