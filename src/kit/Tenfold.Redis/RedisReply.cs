using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Tenfold.Redis;

/// <summary>What kind of value a <see cref="RedisReply"/> is.</summary>
public enum RedisReplyKind
{
    /// <summary>No value; also the value of <c>default</c>.</summary>
    Null,

    /// <summary>Bytes: a bulk, simple or verbatim string, or a big number.</summary>
    Text,
    Integer,
    Double,
    Boolean,
    Error,
    Array,
    Set,

    /// <summary>Keys and values alternate in <see cref="RedisReply.Items"/>.</summary>
    Map,

    /// <summary>Something that Redis sent unasked.</summary>
    Push,
}

/// <summary>
/// An answer of Redis. Immutable, except that <see cref="Bytes"/> hands out the array itself. Conversions that do not fit throw
/// a <see cref="RedisException"/>; an answer that is an error throws it as <see cref="RedisServerException"/>.
/// </summary>
public readonly struct RedisReply
{
    private readonly object? _value; // byte[] for text and errors, RedisReply[] for aggregates
    private readonly long _number; // integer, double's bits, boolean

    private RedisReply(RedisReplyKind kind, object? value, long number) => (Kind, _value, _number) = (kind, value, number);

    public RedisReplyKind Kind { get; }

    public bool IsNull => Kind == RedisReplyKind.Null;

    public bool IsError => Kind == RedisReplyKind.Error;

    /// <summary>Elements of an array, set, map or push; empty for everything else.</summary>
    public ReadOnlyMemory<RedisReply> Items => _value as RedisReply[];

    /// <summary>The bytes of a text, null for null.</summary>
    public byte[]? Bytes => Kind switch
    {
        RedisReplyKind.Text => (byte[])_value!,
        RedisReplyKind.Null => null,
        RedisReplyKind.Integer or RedisReplyKind.Double => Encoding.ASCII.GetBytes(ToString()),
        _ => throw Unfit("bytes"),
    };

    /// <summary>An integer, a text that is one, or a boolean as 0 or 1.</summary>
    public long Integer
    {
        get
        {
            switch (Kind)
            {
                case RedisReplyKind.Integer or RedisReplyKind.Boolean:
                    return _number;
                case RedisReplyKind.Text when Utf8Parser.TryParse(Bytes, out long number, out var used) && used == Bytes!.Length:
                    return number;
                default:
                    throw Unfit("an integer");
            }
        }
    }

    /// <summary>A double, an integer, or a text that is one.</summary>
    public double Double
    {
        get
        {
            switch (Kind)
            {
                case RedisReplyKind.Double:
                    return BitConverter.Int64BitsToDouble(_number);
                case RedisReplyKind.Integer:
                    return _number;
                case RedisReplyKind.Text when double.TryParse((byte[])_value!, NumberStyles.Float, CultureInfo.InvariantCulture, out var number):
                    return number;
                default:
                    throw Unfit("a number");
            }
        }
    }

    /// <summary>A boolean, a number that is not 0, the text OK; null is false.</summary>
    public bool Boolean => Kind switch
    {
        RedisReplyKind.Boolean or RedisReplyKind.Integer => _number != 0,
        RedisReplyKind.Null => false,
        RedisReplyKind.Text when ((byte[])_value!).AsSpan().SequenceEqual("OK"u8) => true,
        _ => throw Unfit("a boolean"),
    };

    /// <summary>A text as UTF-8; null for null.</summary>
    public string? Text => Kind is RedisReplyKind.Null ? null : Bytes is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    internal ReadOnlySpan<byte> ErrorBytes => IsError ? (byte[])_value! : default;

    /// <summary>Throws what the server said if this is an error.</summary>
    public void ThrowIfError()
    {
        if (IsError)
        {
            throw ToException();
        }
    }

    public RedisServerException ToException() => new(Encoding.UTF8.GetString((byte[])_value!));

    /// <summary>For people and logs; not a format.</summary>
    public override string ToString() => Kind switch
    {
        RedisReplyKind.Null => "(null)",
        RedisReplyKind.Integer => _number.ToString(CultureInfo.InvariantCulture),
        RedisReplyKind.Double => Double.ToString("R", CultureInfo.InvariantCulture),
        RedisReplyKind.Boolean => _number != 0 ? "true" : "false",
        RedisReplyKind.Text or RedisReplyKind.Error => Encoding.UTF8.GetString((byte[])_value!),
        _ => $"({Kind} of {Items.Length})",
    };

    internal static RedisReply OfText(byte[] bytes) => new(RedisReplyKind.Text, bytes, 0);

    internal static RedisReply OfError(byte[] bytes) => new(RedisReplyKind.Error, bytes, 0);

    internal static RedisReply OfInteger(long number) => new(RedisReplyKind.Integer, null, number);

    internal static RedisReply OfDouble(double number) => new(RedisReplyKind.Double, null, BitConverter.DoubleToInt64Bits(number));

    internal static RedisReply OfBoolean(bool value) => new(RedisReplyKind.Boolean, null, value ? 1 : 0);

    internal static RedisReply OfItems(RedisReplyKind kind, RedisReply[] items) => new(kind, items, 0);

    private RedisException Unfit(string wanted) =>
        IsError ? ToException() : new RedisException($"The answer is {Describe()}, not {wanted}.");

    private string Describe()
    {
        var text = ToString();
        return $"{Kind} {(text.Length > 64 ? string.Concat(text.AsSpan(0, 64), "…") : text)}";
    }
}
