using Tenfold.Runtime.Packages;

namespace Tenfold.Runtime.Tests.Packages;

public sealed class PackagesTests
{
    [Theory]
    [InlineData("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", 15)]
    [InlineData("postgres (PostgreSQL) 18beta1", 18)]
    [InlineData("postgres (EnterpriseDB) 15", null)]
    [InlineData("", null)]
    public void The_version_of_PostgreSQL_is_read(string text, int? major) => Assert.Equal(major, ServerVersion.Postgres(text));

    [Theory]
    [InlineData("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=9c1", "7.0.15")]
    [InlineData("Redis server v=6.2 sha=0", "6.2")]
    [InlineData("Redis server version 2.4", null)]
    public void The_version_of_Redis_is_read(string text, string? version) => Assert.Equal(version, ServerVersion.Redis(text)?.ToString());

    [Fact]
    public void Root_installs_by_itself() =>
        Assert.Equal([], InstallPlan.Decide("Redis", "redis-server", new Installer(IsRoot: true, "/usr/bin/apt-get", SudoWithoutPassword: false)).Prefix);

    [Fact]
    public void Sudo_without_a_password_is_used() =>
        Assert.Equal(["sudo", "-n"], InstallPlan.Decide("Redis", "redis-server", new Installer(IsRoot: false, "/usr/bin/apt-get", SudoWithoutPassword: true)).Prefix);

    [Fact]
    public void Anyone_else_is_told_the_command()
    {
        var plan = InstallPlan.Decide("redis-server 6.2 or newer", "redis-server", new Installer(IsRoot: false, "/usr/bin/apt-get", SudoWithoutPassword: false));
        Assert.Null(plan.Prefix);
        Assert.EndsWith("run: sudo apt-get install -y --no-install-recommends redis-server", plan.Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_apt_the_package_is_named()
    {
        var plan = InstallPlan.Decide("PostgreSQL 14 or newer", "postgresql", new Installer(IsRoot: true, null, SudoWithoutPassword: false));
        Assert.Null(plan.Prefix);
        Assert.Contains("no apt-get", plan.Refusal, StringComparison.Ordinal);
        Assert.Contains("'postgresql'", plan.Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_version_that_the_data_needs_comes_before_a_newer_one()
    {
        var root = Directory.CreateTempSubdirectory("tf-bin-").FullName;
        foreach (var major in (int[])[13, 14, 16, 17])
        {
            foreach (var program in (string[])["postgres", "initdb"])
            {
                var path = Path.Combine(Directory.CreateDirectory(Path.Combine(root, $"{major}")).FullName, program);
                await File.WriteAllTextAsync(path, $"#!/bin/sh\necho 'postgres (PostgreSQL) {major}.1'\n");
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);
            }
        }

        var packages = new ServerPackages(_ => { }, TimeProvider.System);
        var folders = Directory.GetDirectories(root);
        Assert.Equal(14, (await packages.FindPostgresAsync(folders, wanted: 14, default))?.Major);
        Assert.Equal(17, (await packages.FindPostgresAsync(folders, wanted: null, default))?.Major);
        Assert.Equal(17, (await packages.FindPostgresAsync(folders, wanted: 13, default))?.Major);
        Assert.Null(await packages.FindPostgresAsync([Path.Combine(root, "13"), "/no/such"], wanted: null, default));
        Directory.Delete(root, recursive: true);
    }
}
