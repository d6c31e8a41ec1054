using System.Linq.Expressions;
using System.Reflection;

namespace Tenfold.Postgres.SlowQueries;

/// <summary>
/// Reads duration and text out of what Npgsql logs when a command is completed, without boxing: its fields are read by code that is
/// made once for their type. A type without these fields is read as every logger may, by name.
/// </summary>
internal static class CompletedCommand<TState>
{
    private static readonly Func<TState, long>? DurationField = Field<long>("_DurationMs");
    private static readonly Func<TState, string>? TextField = Field<string>("_CommandText");
    private static readonly Func<TState, IEnumerable<object>>? ValuesField = Field<IEnumerable<object>>("_Parameters");
    private static readonly Func<TState, string[]>? TextsField = Field<string[]>("_BatchCommands");

    /// <summary>Milliseconds; -1 when it is about something else.</summary>
    public static long Milliseconds(TState state) => DurationField is { } read ? read(state) : Value(state, "DurationMs") as long? ?? -1;

    /// <summary>The command, or those of a batch with semicolons between; null when it has none.</summary>
    public static string? Text(TState state)
    {
        if (TextField is { } one)
        {
            return one(state);
        }

        var texts = TextsField is { } many ? many(state) : Value(state, "BatchCommands") switch
        {
            IEnumerable<(string Text, IEnumerable<object> Parameters)> withParameters => withParameters.Select(command => command.Text),
            var others => others as IEnumerable<string>,
        };
        return texts is null ? Value(state, "CommandText") as string : string.Join("; ", texts);
    }

    /// <summary>The command's parameters, where Npgsql was told to log them; null otherwise, and for a batch. NULL is a text there.</summary>
    public static object[]? Values(TState state) => ValuesField is { } read ? [.. read(state)] : null;

    private static object? Value(TState state, string name) =>
        (state as IReadOnlyList<KeyValuePair<string, object?>>)?.FirstOrDefault(pair => pair.Key == name).Value;

    private static Func<TState, T>? Field<T>(string name)
    {
        if (typeof(TState).GetField(name, BindingFlags.Instance | BindingFlags.NonPublic) is not { } field || field.FieldType != typeof(T))
        {
            return null;
        }

        var state = Expression.Parameter(typeof(TState));
        return Expression.Lambda<Func<TState, T>>(Expression.Field(state, field), state).Compile();
    }
}
