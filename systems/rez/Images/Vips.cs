using System.Diagnostics;
using System.Globalization;

namespace Rez.Images;

/// <summary>An image that libvips does not take, however often it is tried: what it says of it.</summary>
internal sealed class ImageException(string message) : Exception(message);

/// <summary>libvips' command <c>vips</c>, found in PATH, as a child process: no shell, an environment of its own, limits of processor, memory and time.</summary>
internal sealed class Vips(IConfiguration configuration, TimeProvider time)
{
    /// <summary>Debian's name of what brings the command.</summary>
    public const string Package = "libvips-tools";

    /// <summary>How long one step may take.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private const int ProcessorSeconds = 60;
    private const long AddressSpace = 1L << 30; // an image of 50 megapixels whose format has to be decoded as a whole takes a quarter
    private const long LargestFile = 64L << 20;
    private const int MostSaid = 4_000;
    private const int Signal = 128; // and its number: the exit code of a process that was ended by one

    /// <summary>Where the command is; null when it is not installed. Looked up each time, so that it may be installed while the service runs.</summary>
    public string? Find() => Find("vips");

    /// <summary>Decodes an image, upright, in sRGB, at most <see cref="ImageSizes.Most"/> wide and high, into a file that the next steps begin with.</summary>
    /// <param name="folder">Private; with nothing in it but what these steps make.</param>
    /// <param name="original">Name of the image in it.</param>
    /// <param name="cancel">Ends the process.</param>
    /// <returns>Its name, width and height.</returns>
    /// <exception cref="ImageException">It is broken, or takes too much.</exception>
    /// <exception cref="IOException">This machine has no room, or ends processes.</exception>
    public async Task<(string Name, int Width, int Height)> DecodeAsync(string folder, string original, CancellationToken cancel)
    {
        const string Name = "decoded.png"; // not libvips' own format: there the original's metadata goes along, and WebP files get them whatever is said
        var most = ImageSizes.Most.ToString(CultureInfo.InvariantCulture);
        await RunAsync(folder, ["thumbnail", original, Name + "[strip,compression=0]", most, "--height", most, "--size", "down", "--export-profile", "srgb", "--fail-on", "error"], cancel);
        await using var file = File.OpenRead(Path.Combine(folder, Name));
        var header = await ImageHeader.ReadAsync(file, cancel) ?? throw new IOException("libvips has written no image");
        return (Name, header.Width, header.Height);
    }

    /// <summary>Makes one width of a decoded image.</summary>
    /// <returns>The file's name.</returns>
    /// <inheritdoc cref="DecodeAsync"/>
    public async Task<string> MakeAsync(string folder, string decoded, int width, ImageFormat format, CancellationToken cancel)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{width}.{format.Extension}");
        var wide = width.ToString(CultureInfo.InvariantCulture);
        await RunAsync(folder, ["thumbnail", decoded, name + format.Options, wide, "--height", "1000000", "--size", "down"], cancel);
        return name;
    }

    private async Task RunAsync(string folder, IReadOnlyList<string> arguments, CancellationToken cancel)
    {
        var vips = Find() ?? throw new IOException($"libvips has gone: install {Package}");
        var limited = Find("prlimit"); // of util-linux, which every Debian has
        var start = new ProcessStartInfo(limited ?? vips) { WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var argument in limited is null ? [] : (ReadOnlySpan<string>)[$"--as={AddressSpace}", $"--cpu={ProcessorSeconds}:{ProcessorSeconds + 5}", $"--fsize={LargestFile}", "--core=0", vips])
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment.Clear();
        start.Environment["PATH"] = SearchPath;
        start.Environment["LC_ALL"] = "C";
        start.Environment["TMPDIR"] = folder;
        start.Environment["VIPS_CONCURRENCY"] = "1";
        start.Environment["VIPS_BLOCK_UNTRUSTED"] = "1"; // only decoders that are made for hostile files

        using var process = Process.Start(start) ?? throw new IOException($"{vips} does not start");
        process.StandardInput.Close();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var late = time.CreateTimer(static source => ((CancellationTokenSource)source!).Cancel(), ended, Limit, Timeout.InfiniteTimeSpan);
        try
        {
            var silent = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, ended.Token);
            var said = await ReadAsync(process.StandardError, ended.Token);
            await silent;
            await process.WaitForExitAsync(ended.Token);
            Judge(process.ExitCode, said);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new ImageException($"it takes longer than {Limit.TotalSeconds:0} s");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
                await process.WaitForExitAsync(CancellationToken.None);
            }
        }
    }

    /// <summary>What an exit code and the last words of the process mean.</summary>
    internal static void Judge(int code, string said)
    {
        const int Killed = 9, FileSize = 25, Processor = 24;
        if (code == 0)
        {
            return;
        }

        if (code == Signal + Killed || said.Contains("No space left", StringComparison.Ordinal))
        {
            throw new IOException(code == Signal + Killed ? "libvips was killed; the machine may be short of memory" : "there is no room for temporary files");
        }

        throw new ImageException(code switch
        {
            Signal + Processor => $"it takes more than {ProcessorSeconds} s of processor time",
            Signal + FileSize => $"it becomes larger than {LargestFile >> 20} MiB",
            > Signal => $"libvips fails at it (signal {code - Signal}): it takes more than {AddressSpace >> 20} MiB, or is broken in a way that is not known",
            _ => "it is broken: " + Words(said),
        });
    }

    // Its last line says why; the ones before are warnings of its parts.
    private static string Words(string said)
    {
        var line = said.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault(line => !line.Contains("WARNING", StringComparison.Ordinal)) ?? "libvips does not say why";
        return line.Length <= 200 ? line : line[..200] + "…";
    }

    private static async Task<string> ReadAsync(StreamReader from, CancellationToken cancel)
    {
        var buffer = new char[1_000];
        var said = "";
        while (await from.ReadAsync(buffer, cancel) is > 0 and var length)
        {
            said += new string(buffer, 0, length);
            said = said.Length > MostSaid ? said[^MostSaid..] : said; // the last words count
        }

        return said;
    }

    private string SearchPath => configuration["PATH"] is { Length: > 0 } path ? path : "/usr/local/bin:/usr/bin:/bin";

    private string? Find(string command) => SearchPath.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Select(folder => Path.Combine(folder, command)).FirstOrDefault(File.Exists);
}
