using FsCheck;
using FsCheck.Fluent;
using Tenfold.Runtime.Processes;

namespace Tenfold.Runtime.Tests.Processes;

public sealed class ProcessTableTests
{
    private const string Fields = " S 1 42 43 0 -1 4194560 100 0 0 0 7 5 3 2 20 0 1 0 98765 1000 250 18446744073709551615 1 1";

    [Theory]
    [InlineData("node")]
    [InlineData("a b")]
    [InlineData(") S 1 (")]
    public void The_stat_line_is_read_whatever_the_name_holds(string name)
    {
        var row = ProcessTable.Parse($"42 ({name}){Fields}");
        Assert.Equal(new ProcessRow(42, name, 'S', 1, 42, 43, 17, 98765, 250), row);
    }

    [Theory]
    [InlineData("")]
    [InlineData("42")]
    [InlineData("42 (sh")]
    [InlineData("42 (sh) S 1 2")]
    [InlineData("x (sh) S 1 42 43 0 -1 4194560 100 0 0 0 7 5 3 2 20 0 1 0 98765 1000 250 1 1 1")]
    public void What_is_no_stat_line_is_null(string line) => Assert.Null(ProcessTable.Parse(line));

    [Fact]
    public void Any_text_is_read_or_refused_without_an_exception() =>
        Prop.ForAll<string?>(text => ProcessTable.Parse(text ?? "") is null or { Pid: >= 0 }).QuickCheckThrowOnFailure();

    [Fact]
    public void This_process_is_in_the_table() => Assert.Contains(ProcessTable.All(), row => row.Pid == Environment.ProcessId);

    [Fact]
    public void An_identity_survives_being_written_and_read()
    {
        var now = ProcessIdentity.Current;
        Assert.True(ProcessIdentity.TryParse(now.ToString(), out var read));
        Assert.Equal(now, read);
        Assert.True(read.IsAlive);
    }

    [Fact]
    public void A_later_process_of_the_same_number_is_another_one() =>
        Assert.False((ProcessIdentity.Current with { StartTicks = 1 }).IsAlive);

    [Fact]
    public void The_tree_holds_children_of_children()
    {
        ProcessRow[] all = [Row(5, 4), Row(4, 2), Row(3, 2), Row(2, 1), Row(9, 1)];
        Assert.Equal([2, 3, 4, 5], ProcessTable.Tree(all, 2).Select(row => row.Pid).Order());
        static ProcessRow Row(int pid, int parent) => new(pid, "x", 'S', parent, pid, pid, 0, 0, 0);
    }

    [Fact]
    public void A_user_is_found_in_passwd_by_its_whole_name()
    {
        const string passwd = "root:x:0:0:root:/root:/bin/sh\npostgres-x:x:9:9::/:/bin/sh\nbroken\npostgres:x:101:104:PostgreSQL:/var/lib/postgresql:/bin/bash\n";
        Assert.Equal(new SystemUser("postgres", 101, 104), SystemUser.Find("postgres", passwd));
        Assert.Null(SystemUser.Find("redis", passwd));
    }
}
