using System.Diagnostics;

namespace Tenfold.Cli.Tests;

/// <summary>The launcher <c>./tenfold</c>, on a copy with made-up sources: what it does before there is a command to run.</summary>
public sealed class LauncherTests : IDisposable
{
    private static CancellationToken Generous => new CancellationTokenSource(TimeSpan.FromMinutes(2)).Token; // for each wait anew
    private readonly string _folder = Directory.CreateTempSubdirectory("tenfold-launcher-").FullName;

    public LauncherTests()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "src/Tenfold.Cli"));
        Directory.CreateDirectory(Path.Combine(_folder, "tools"));
        File.WriteAllText(Path.Combine(_folder, "src/Tenfold.Cli/Program.cs"), "return 0;");
        File.Copy(Path.Combine(Root(), "tenfold"), Path.Combine(_folder, "tenfold"));
        // Everything that the launcher calls but dotnet, which each test makes up.
        foreach (var tool in new[] { "bash", "env", "readlink", "find", "sort", "cksum", "tr", "cut", "mkdir", "flock", "grep", "head", "tail", "rm", "mv", "xargs", "cat", "sleep", "touch" })
        {
            var path = new[] { "/bin", "/usr/bin" }.Select(place => Path.Combine(place, tool)).First(File.Exists);
            File.CreateSymbolicLink(Path.Combine(_folder, "tools", tool), path);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Without_an_SDK_it_says_what_to_install_with_exit_code_3()
    {
        var (code, _, error) = await RunAsync("up", "rez");
        Assert.Equal(3, code);
        Assert.Contains(".NET SDK 10", error, StringComparison.Ordinal);
        Assert.Contains("dotnet-sdk-10.0", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failed_build_shows_the_compilers_errors_with_exit_code_3()
    {
        FakeDotnet("echo 'Program.cs(1,8): error CS0103: nil'; exit 1");
        var (code, _, error) = await RunAsync("up", "rez");
        Assert.Equal(3, code);
        Assert.Contains("error CS0103: nil", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_builds_once_for_each_state_of_the_sources_and_passes_arguments_and_exit_code_on()
    {
        FakeDotnet("""echo built >> "$PWD/builds"; while [ "$1" != --output ]; do shift; done; mkdir -p "$2"; touch "$2/tenfold.dll" """);
        Assert.Equal((7, "run up a b\n", ""), await RunAsync("up", "a b"));
        await Task.WhenAll(RunAsync("x"), RunAsync("y"));
        Assert.Single(File.ReadAllLines(Path.Combine(_folder, "builds")));

        File.WriteAllText(Path.Combine(_folder, "src/Tenfold.Cli/Program.cs"), "return 1;");
        await Task.WhenAll(RunAsync("x"), RunAsync("y"), RunAsync("z")); // at once: one builds, the others wait
        Assert.Equal(2, File.ReadAllLines(Path.Combine(_folder, "builds")).Length);
    }

    [Fact]
    public async Task What_a_running_system_was_started_from_stays_however_often_it_is_built_anew()
    {
        FakeDotnet("""while [ "$1" != --output ]; do shift; done; mkdir -p "$2"; touch "$2/tenfold.dll" """);
        await RunAsync("x");
        var first = Assert.Single(Builds());
        using (var host = Process.Start(new ProcessStartInfo("bash", ["-c", "read", "host", Path.Combine(first, "tenfold.dll")]) { UseShellExecute = false, RedirectStandardInput = true })!)
        {
            await BuildThriceAsync();
            Assert.Contains(first, Builds());
            host.StandardInput.Close();
            await host.WaitForExitAsync(Generous);
        }

        await BuildThriceAsync();
        Assert.DoesNotContain(first, Builds());

        string[] Builds() => Directory.GetDirectories(Path.Combine(_folder, ".build"));

        async Task BuildThriceAsync()
        {
            for (var i = 0; i < 3; i++)
            {
                await File.AppendAllTextAsync(Path.Combine(_folder, "src/Tenfold.Cli/Program.cs"), "//");
                await RunAsync("x");
            }
        }
    }

    private void FakeDotnet(string publish)
    {
        var path = Path.Combine(_folder, "tools", "dotnet");
        File.WriteAllText(path, $$"""
            #!/usr/bin/env bash
            case $1 in
              --list-sdks) echo '10.0.401 [/usr/share/dotnet/sdk]' ;;
              publish) sleep 0.2; {{publish}} ;;
              exec) shift 2; echo "run $*"; exit 7 ;;
            esac
            """);
        File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
    }

    private async Task<(int Code, string Out, string Error)> RunAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(_folder, "tenfold"), arguments)
        {
            WorkingDirectory = _folder,
            Environment = { ["PATH"] = Path.Combine(_folder, "tools") },
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync(Generous);
        var error = process.StandardError.ReadToEndAsync(Generous);
        await process.WaitForExitAsync(Generous);
        return (process.ExitCode, await output, await error);
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "Tenfold.slnx")))
        {
            folder = folder.Parent;
        }

        return folder.FullName;
    }
}
