using System.Text.Json;

namespace Tenfold.Load.Scenarios;

/// <summary>A captured value of one user, in a buffer that is used again. Not thread-safe.</summary>
internal sealed class VariableSlot
{
    private byte[] _bytes = [];
    private int _length;

    /// <summary>Whether it was captured in this iteration.</summary>
    public bool IsSet { get; private set; }

    /// <summary>Whether the value was a JSON string; otherwise <see cref="Bytes"/> is JSON.</summary>
    public bool IsString { get; private set; }

    /// <summary>UTF-8.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    public void Clear() => IsSet = false;

    public void SetRaw(ReadOnlySpan<byte> json)
    {
        json.CopyTo(Room(json.Length));
        (_length, IsString, IsSet) = (json.Length, false, true);
    }

    public void SetString(ref Utf8JsonReader reader)
    {
        _length = reader.CopyString(Room(reader.ValueSpan.Length));
        (IsString, IsSet) = (true, true);
    }

    private Span<byte> Room(int length)
    {
        if (_bytes.Length < length)
        {
            _bytes = new byte[Math.Max(64, length)];
        }

        return _bytes;
    }
}
