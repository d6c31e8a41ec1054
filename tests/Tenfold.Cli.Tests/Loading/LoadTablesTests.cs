using Tenfold.Cli.Loading;
using Tenfold.Guide;
using Tenfold.Load;
using Tenfold.Runtime.Instances;

namespace Tenfold.Cli.Tests.Loading;

public sealed class LoadTablesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tenfold-tables-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_file_lies_beside_the_guide()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "buyers.csv"), "token\na\nb\n");
        var tables = await ReadAsync(new LoadData { File = "buyers.csv" });
        Assert.Equal(2, tables["rows"].Rows);

        var missing = await Assert.ThrowsAsync<LoadException>(() => ReadAsync(new LoadData { File = "nope.csv" }));
        Assert.Equal(LoadFault.Usage, missing.Fault);
        Assert.Contains(Path.Combine(_folder, "nope.csv"), missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_is_run_with_the_service_s_environment_and_folder()
    {
        var tables = await ReadAsync(new LoadData { Service = "api", Args = ["sh", "-c", "echo token,$KEY; for i in 1 2 3; do echo $i,$(pwd); done"] });
        Assert.Equal(["token", "secret"], tables["rows"].Columns);
        Assert.Equal(3, tables["rows"].Rows);
    }

    [Fact]
    public async Task A_command_that_fails_or_a_system_that_does_not_run_is_told()
    {
        var failed = await Assert.ThrowsAsync<LoadException>(() => ReadAsync(new LoadData { Service = "api", Args = ["sh", "-c", "exit 5"] }));
        Assert.Equal((LoadFault.Target, "the command of the table rows ended with exit code 5: api sh -c exit 5"), (failed.Fault, failed.Message));
        var down = await Assert.ThrowsAsync<LoadException>(() => ReadAsync(new LoadData { Service = "api", Args = ["tokens"] }, isRunning: false));
        Assert.Equal("the table rows comes from a command of the system (api tokens), which does not run here", down.Message);
    }

    private Task<IReadOnlyDictionary<string, Tenfold.Load.Data.DataTable>> ReadAsync(LoadData data, bool isRunning = true)
    {
        var test = new LoadTest { Stages = [], Scenario = [], Data = new Dictionary<string, LoadData> { ["rows"] = data } };
        var running = new RunningSystem(
            new Uri("http://localhost"),
            _ => throw new NotSupportedException(),
            _ => throw new NotSupportedException(),
            (service, _) => Task.FromResult(new ServiceLaunch { Program = [], WorkingDirectory = _folder, Environment = new Dictionary<string, string> { ["KEY"] = "secret" } }));
        return LoadTables.ReadAsync(test, new SystemGuide { System = "shop", Folder = _folder }, isRunning ? running : null, TestContext.Current.CancellationToken);
    }
}
