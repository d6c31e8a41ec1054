using Tenfold.Cli.Edge;
using Tenfold.Guide;
using Tenfold.Load;
using Tenfold.Load.Data;

namespace Tenfold.Cli.Loading;

/// <summary>Reads the tables of a load test: files, and what commands of the running system print.</summary>
internal static class LoadTables
{
    /// <exception cref="LoadException">A file cannot be read, a command fails or the system does not run, or what they hold is no table.</exception>
    public static async Task<IReadOnlyDictionary<string, DataTable>> ReadAsync(LoadTest test, SystemGuide guide, RunningSystem? running, CancellationToken cancel)
    {
        var tables = new Dictionary<string, DataTable>(StringComparer.Ordinal);
        foreach (var (name, data) in test.Data)
        {
            tables[name] = data.File is { } file ? OfFile(Path.GetFullPath(file, guide.Folder)) : await OfCommandAsync(name, data, running, cancel);
        }

        return tables;
    }

    private static DataTable OfFile(string path)
    {
        try
        {
            using var reader = new StreamReader(path);
            return DataTable.Parse(reader, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LoadException(LoadFault.Usage, $"the table {path} cannot be read: {e.Message}", e);
        }
    }

    private static async Task<DataTable> OfCommandAsync(string name, LoadData data, RunningSystem? running, CancellationToken cancel)
    {
        var line = $"{data.Service} {string.Join(' ', data.Args)}";
        if (running is null)
        {
            throw new LoadException(LoadFault.Target, $"the table {name} comes from a command of the system ({line}), which does not run here");
        }

        var (code, output) = await ServiceCommand.ReadAsync(await running.Launch(data.Service!, cancel), data.Args, cancel);
        return code == 0
            ? DataTable.Parse(new StringReader(output), line)
            : throw new LoadException(LoadFault.Target, $"the command of the table {name} ended with exit code {code}: {line}");
    }
}
