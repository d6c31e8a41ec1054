using Tenfold.Load.Data;

namespace Tenfold.Load.Scenarios;

/// <summary>What a template may name: variables that steps before it have captured, and columns of the test's tables. Not thread-safe.</summary>
internal sealed class ScenarioNames(IReadOnlyDictionary<string, DataTable> tables)
{
    private readonly List<string?> _variables = [];

    /// <summary>Slots that variables need.</summary>
    public int Slots => _variables.Count;

    /// <summary>Names of the variables that are known here.</summary>
    public IEnumerable<string> Variables => _variables.OfType<string>();

    public IEnumerable<string> Columns => tables.SelectMany(table => table.Value.Columns.Select(column => $"{table.Key}.{column}"));

    /// <summary>The slot of a variable; -1 when none has the name here.</summary>
    public int SlotOf(string name) => _variables.IndexOf(name);

    /// <summary>The slot of a variable, new or not.</summary>
    public int Capture(string name)
    {
        if (SlotOf(name) is >= 0 and var slot)
        {
            return slot;
        }

        _variables.Add(name);
        return _variables.Count - 1;
    }

    /// <summary>The column <c>TABLE.COLUMN</c>; null when there is none.</summary>
    public (DataTable Table, int Column)? ColumnOf(string name) =>
        name.Split('.', 2) is [var table, var column] && tables.TryGetValue(table, out var rows) && rows.IndexOf(column) is >= 0 and var index ? (rows, index) : null;

    /// <summary>Forgets the names of slots from <paramref name="slots"/> on: their steps are not taken by everybody.</summary>
    public void Hide(int slots)
    {
        for (var i = slots; i < _variables.Count; i++)
        {
            _variables[i] = null;
        }
    }
}
