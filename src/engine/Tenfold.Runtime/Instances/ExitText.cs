using Tenfold.Guide;

namespace Tenfold.Runtime.Instances;

/// <summary>Says how a process ended, for people.</summary>
public static class ExitText
{
    /// <summary>For instance <c>exited with code 3</c> or <c>was ended by SIGSEGV</c>.</summary>
    /// <param name="code">Exit code; 128 + the signal's number for a signal.</param>
    /// <param name="outOfMemory">Whether the kernel killed in its cgroup for memory.</param>
    /// <param name="memory">Its memory limit.</param>
    public static string Of(int code, bool outOfMemory = false, ByteSize? memory = null) => (outOfMemory, code) switch
    {
        (true, _) => $"was killed by the kernel: over its memory limit of {memory}",
        (_, 129) => "was ended by SIGHUP",
        (_, 130) => "was ended by SIGINT",
        (_, 131) => "was ended by SIGQUIT",
        (_, 134) => "was ended by SIGABRT",
        (_, 135) => "was ended by SIGBUS",
        (_, 136) => "was ended by SIGFPE",
        (_, 137) => "was ended by SIGKILL",
        (_, 139) => "was ended by SIGSEGV",
        (_, 143) => "was ended by SIGTERM",
        (_, 126) => "could not be run (exit code 126)",
        (_, 127) => "was not found (exit code 127)",
        _ => $"exited with code {code}",
    };
}
