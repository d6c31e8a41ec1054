using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Tenfold.Guide.Reading;

/// <summary>One key of a guide record.</summary>
internal sealed record KeyShape(string Key, PropertyInfo Property, bool IsRequired, BetweenAttribute? Between)
{
    /// <summary>The value's type, without the question mark.</summary>
    public Type Type => Nullable.GetUnderlyingType(Property.PropertyType) ?? Property.PropertyType;

    /// <summary>What the record's initialiser says; null for nothing, for an empty list, and for a record of its own.</summary>
    public object? Default => !IsRequired && Property.GetValue(Activator.CreateInstance(Property.DeclaringType!)) is { } value && (Type.IsEnum || ScalarFormats.Of(Type) is not null)
        ? value
        : null;

    /// <summary><see cref="Default"/> as the guide writes it.</summary>
    public string? DefaultText => Default is not { } value ? null : Type.IsEnum ? RecordShape.Kebab(value.ToString()!) : ScalarFormats.Of(Type)!.Write(value);
}

/// <summary>The keys of a guide record, read from its properties: the one source for reading, schema and documentation.</summary>
internal sealed record RecordShape(Type Type, IReadOnlyList<KeyShape> Keys)
{
    public IReadOnlyList<string> Names { get; } = [.. Keys.Select(k => k.Key)];

    public KeyShape? Find(string key) => Keys.FirstOrDefault(k => k.Key == key);

    public static RecordShape Of(Type type) => new(type,
    [
        .. from property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
           where property.CanWrite && property.GetCustomAttribute<NotAKeyAttribute>() is null
           select new KeyShape(
               Kebab(property.Name),
               property,
               property.GetCustomAttribute<RequiredMemberAttribute>() is not null,
               property.GetCustomAttribute<BetweenAttribute>()),
    ]);

    /// <summary><c>FirstByteTimeout</c> is <c>first-byte-timeout</c>.</summary>
    public static string Kebab(string name)
    {
        var kebab = new StringBuilder();
        foreach (var c in name)
        {
            if (char.IsAsciiLetterUpper(c) && kebab.Length > 0)
            {
                kebab.Append('-');
            }

            kebab.Append(char.ToLowerInvariant(c));
        }

        return kebab.ToString();
    }
}
