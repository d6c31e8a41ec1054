using Tenfold.Cli.Edge;

namespace Tenfold.Cli.Tests;

/// <summary>Runs the command line in this process, in a folder of its own with a state of its own.</summary>
internal sealed class TestShell : IDisposable
{
    public TestShell() => Write("systems/shop/tenfold.yaml", """
        system: shop
        services:
          api:
            command: [node, server.js]
            scale: { min: 1, max: 3 }
        gateway:
          port: 0
          routes: [{ path: /**, service: api }]
        """);

    public string Folder { get; } = Directory.CreateTempSubdirectory("tenfold-cli-").FullName;

    public string State => Path.Combine(Folder, "state");

    public string Write(string name, string text)
    {
        var path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    public async Task<(int Code, string Out, string Error)> RunAsync(params string[] arguments)
    {
        await using var output = new StringWriter();
        await using var errors = new StringWriter();
        var shell = new Shell
        {
            Out = TextWriter.Synchronized(output),
            Error = TextWriter.Synchronized(errors),
            Interactive = false,
            Folder = Folder,
            Repository = null,
            Environment = name => name == "TENFOLD_STATE" ? State : null,
        };
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var code = await CommandEdge.RunAsync(arguments, shell, limit.Token);
        return (code, output.ToString(), errors.ToString());
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
