namespace Tenfold.Guide.Validation;

/// <summary>Keys of the guide's design that nothing implements yet: refused by name, so that nobody takes them for typing errors.</summary>
internal static class LaterKeys
{
    private static readonly Dictionary<Type, string[]> ByRecord = new()
    {
        [typeof(SystemGuide)] = ["prices"],
        [typeof(Service)] = ["warm"],
    };

    public static IReadOnlyDictionary<Type, string[]> All => ByRecord;

    public static bool Includes(Type record, string key) => ByRecord.TryGetValue(record, out var keys) && keys.Contains(key);
}
