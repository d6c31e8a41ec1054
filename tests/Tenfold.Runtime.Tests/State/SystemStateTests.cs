using System.Text;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Tests.State;

public sealed class SystemStateTests
{
    [Fact]
    public void TENFOLD_STATE_is_the_parent_of_the_state_folder() =>
        Assert.Equal("/data/tf/rez", SystemState.Of("rez", name => name == "TENFOLD_STATE" ? "/data/tf" : null).Folder);

    [Theory]
    [InlineData("/var/lib/tenfold/rez")]
    [InlineData("/home/somebody-with-a-long-name/projects/of-the-year/a-deep-folder/state/marketplace-of-rez")]
    public void Sockets_fit_into_what_the_kernel_takes(string folder)
    {
        var state = SystemState.At(folder, "rez");
        Assert.InRange(Encoding.UTF8.GetByteCount(Path.Combine(state.Run, new string('x', 40), ".s.PGSQL.65535")), 1, SystemState.LongestSocketPath);
    }

    [Fact]
    public void Two_state_folders_have_different_keys() =>
        Assert.NotEqual(SystemState.At("/a/rez", "rez").Key, SystemState.At("/b/rez", "rez").Key);

    [Fact]
    public async Task A_secret_is_readable_by_its_owner_only()
    {
        await using var temporary = new TemporaryState();
        var file = Path.Combine(temporary.State.Folder, "password");
        StateFolder.Write(file, "s3cret", secret: true);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.Equal("s3cret", StateFolder.ReadIfThere(file));
    }

    [Fact]
    public void A_folder_that_cannot_be_made_is_named_with_what_to_do()
    {
        var error = Assert.Throws<RuntimeException>(() => SystemState.At("/proc/tenfold/rez", "rez").Create());
        Assert.Equal(RuntimeFailure.Machine, error.Failure);
        Assert.Contains("/proc/tenfold/rez", error.Message, StringComparison.Ordinal);
        Assert.Contains("TENFOLD_STATE", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_lock_is_held_by_one_and_names_its_holder()
    {
        await using var temporary = new TemporaryState();
        using var first = await HostLock.TryTakeAsync(temporary.State, TimeProvider.System, default);
        Assert.NotNull(first);
        Assert.Null(await HostLock.TryTakeAsync(temporary.State, TimeProvider.System, default));
        Assert.Equal(Environment.ProcessId, HostLock.Owner(temporary.State)?.Pid);
        first.Dispose();
        Assert.Null(HostLock.Owner(temporary.State));
        using var second = await HostLock.TryTakeAsync(temporary.State, TimeProvider.System, default);
        Assert.NotNull(second);
    }

    [Fact]
    public async Task A_command_that_keeps_hosts_away_is_nobodys_owner()
    {
        await using var temporary = new TemporaryState();
        using var mine = await HostLock.TryTakeAsync(temporary.State, TimeProvider.System, default, asHost: false);
        Assert.NotNull(mine);
        Assert.Null(HostLock.Owner(temporary.State));
        Assert.Null(await HostLock.TryTakeAsync(temporary.State, TimeProvider.System, default));
    }
}
