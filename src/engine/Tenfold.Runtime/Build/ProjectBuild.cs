using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Build;

/// <summary>A published service: what to run it with.</summary>
/// <param name="Program">The <c>dotnet</c> host.</param>
/// <param name="Assembly">The service's main assembly.</param>
/// <param name="WasBuilt">False when an earlier publish of the same sources was used.</param>
public sealed record BuiltProject(string Program, string Assembly, bool WasBuilt);

/// <summary>
/// Publishes a service's project (Release, ReadyToRun, for this machine's installed runtime) into the state folder, once for each
/// state of its sources: nothing is written into the checkout, and unchanged sources need no dotnet command at all.
/// </summary>
public static class ProjectBuild
{
    private const int Kept = 2; // instances of the publish before this one may still be loading from it
    private const int ErrorLines = 25;
    private static readonly TimeSpan LockPoll = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestTurn = TimeSpan.FromMinutes(15);

    /// <summary>The project file that a guide's <c>project:</c> means: a .csproj, or a folder with exactly one.</summary>
    /// <exception cref="RuntimeException">There is none, or there are several.</exception>
    public static string Locate(string service, string project, string folder)
    {
        var path = Path.GetFullPath(project, Path.GetFullPath(folder));
        if (File.Exists(path))
        {
            return path;
        }

        string[] found = Directory.Exists(path) ? Directory.GetFiles(path, "*.csproj") : [];
        return found.Length switch
        {
            1 => found[0],
            0 => throw new RuntimeException(RuntimeFailure.Guide, $"services.{service}.project: no .csproj file in {path}"),
            _ => throw new RuntimeException(RuntimeFailure.Guide, $"services.{service}.project: {found.Length} .csproj files in {path}; name one of them"),
        };
    }

    /// <summary>Publishes the project if its sources have changed since the last time.</summary>
    /// <exception cref="RuntimeException">No SDK, or the build failed: the message holds the compiler's errors.</exception>
    public static async Task<BuiltProject> PublishAsync(string service, string project, SystemState state, TimeProvider time, CancellationToken cancel)
    {
        var dotnet = Programs.Find("dotnet") ?? OwnDotnet() ?? throw NoSdk(service);
        var root = state.Build(Name(project));
        var fingerprint = Fingerprint.Of(project, $"{Environment.Version} {RuntimeInformation.RuntimeIdentifier}");
        var output = Path.Combine(root, fingerprint);
        if (Directory.Exists(output))
        {
            return new BuiltProject(dotnet, Assembly(service, output), WasBuilt: false);
        }

        StateFolder.Make(root);
        using var turn = await TakeTurnAsync(state, time, cancel);
        if (Directory.Exists(output))
        {
            return new BuiltProject(dotnet, Assembly(service, output), WasBuilt: true); // by another service of this project, meanwhile
        }

        var fresh = Path.Combine(root, "new");
        if (Directory.Exists(fresh))
        {
            Directory.Delete(fresh, recursive: true); // a build that was killed
        }

        var lines = new List<string>();
        await using (var build = ChildProcess.Start(
            new ProcessSpec
            {
                Name = $"build-{service}",
                FileName = dotnet,
                Arguments =
                [
                    "publish", project, "--configuration", "Release", "--use-current-runtime", "--self-contained", "false",
                    "-p:PublishReadyToRun=true", "--artifacts-path", Path.Combine(root, "artifacts"), "--output", fresh,
                    // Analyzers have their say where the code is written and checked; here it is only to run, soon.
                    "-p:RunAnalyzers=false", "--nologo", "--verbosity", "minimal",
                    // One compiler for all projects of the build: its own, by this name, which ends with it. A third of the time.
                    "-p:UseSharedCompilation=true", $"-p:SharedCompilationId=tenfold-{Guid.NewGuid():N}", "-nodeReuse:false",
                ],
                WorkingDirectory = Path.GetDirectoryName(project)!,
                // It lives too briefly to earn back what the JIT spends on counting: another third.
                Environment = new Dictionary<string, string> { ["DOTNET_TieredPGO"] = "0", ["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0" },
            },
            state,
            lines.Add,
            time))
        {
            if (await build.Exited.WaitAsync(cancel) != 0)
            {
                throw Failed(service, project, root, lines);
            }
        }

        Directory.Move(fresh, output);
        RemoveOld(root, output);
        return new BuiltProject(dotnet, Assembly(service, output), WasBuilt: true);
    }

    /// <summary>One folder a project, not a service: an API and its workers are one build.</summary>
    private static string Name(string project) =>
        $"{Path.GetFileNameWithoutExtension(project)}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(project)))[..8]}";

    /// <summary>The one that runs this process: it need not be on PATH.</summary>
    private static string? OwnDotnet() => Environment.ProcessPath is { } path && Path.GetFileName(path) == "dotnet" ? path : null;

    private static string Assembly(string service, string output)
    {
        const string Ending = ".runtimeconfig.json";
        string[] found = [.. Directory.GetFiles(output, "*" + Ending)];
        return found.Length == 1
            ? found[0][..^Ending.Length] + ".dll"
            : throw new RuntimeException(RuntimeFailure.Guide, $"services.{service}.project: its publish holds {found.Length} programs ({output}); it must be one executable project");
    }

    /// <summary>One build at a time under one state root: two would compile shared projects twice, at half the speed.</summary>
    /// <exception cref="RuntimeException">Another one has held the turn for 15 minutes.</exception>
    internal static async Task<FileStream> TakeTurnAsync(SystemState state, TimeProvider time, CancellationToken cancel)
    {
        var asked = time.GetTimestamp();
        var file = Path.Combine(Path.GetDirectoryName(state.Folder)!, "build.lock");
        while (true)
        {
            try
            {
                return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(file))
            {
                if (time.GetElapsedTime(asked) > LongestTurn)
                {
                    throw new RuntimeException(
                        RuntimeFailure.Failed,
                        $"another build has gone on for more than {LongestTurn.TotalMinutes:0} minutes and is not waited for any longer; 'fuser {file}' shows which process it is: end it, and try again");
                }

                await Task.Delay(LockPoll, time, cancel);
            }
        }
    }

    private static void RemoveOld(string root, string current)
    {
        var old = new DirectoryInfo(root).EnumerateDirectories()
            .Where(folder => folder.Name != "artifacts" && folder.FullName != current)
            .OrderByDescending(folder => folder.LastWriteTimeUtc)
            .Skip(Kept - 1);
        foreach (var folder in old)
        {
            folder.Delete(recursive: true);
        }
    }

    private static RuntimeException Failed(string service, string project, string root, List<string> lines)
    {
        if (DiskSpace.IsBlamed(lines))
        {
            return new RuntimeException(RuntimeFailure.Machine, $"{service} cannot be built: {DiskSpace.Full(root) ?? $"the disk of {root} is full; free some space or set TENFOLD_STATE to a folder on another disk"}");
        }

        if (lines.Exists(line => line.Contains("No .NET SDKs were found", StringComparison.Ordinal)))
        {
            return NoSdk(service);
        }

        var errors = lines.Where(line => line.Contains(": error ", StringComparison.Ordinal)).Select(line => line.Trim()).Distinct().ToList();
        var shown = errors.Count > 0 ? errors.Take(ErrorLines) : lines.TakeLast(ErrorLines);
        return new RuntimeException(RuntimeFailure.Guide, $"{service}: {project} does not build:\n  {string.Join("\n  ", shown)}");
    }

    private static RuntimeException NoSdk(string service) => new(
        RuntimeFailure.Machine,
        $"{service}: the .NET SDK 10 or later is needed to build it, and none was found; install it from https://dot.net/download or with the package dotnet-sdk-10.0");
}
