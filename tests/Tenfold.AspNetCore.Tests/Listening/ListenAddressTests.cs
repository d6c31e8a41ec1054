using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Configuration;
using Tenfold.AspNetCore.Listening;

namespace Tenfold.AspNetCore.Tests.Listening;

public sealed class ListenAddressTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"tf-{Guid.NewGuid().ToString("N")[..10]}.sock");

    [Theory]
    [InlineData("/tmp/a.sock", "http://localhost:1", "5", "/tmp/a.sock", null)]
    [InlineData(null, "http://localhost:1", "5", null, null)]
    [InlineData(null, null, "5005", null, 5005)]
    [InlineData(null, null, null, null, null)]
    public void The_socket_wins_over_URLs_and_those_over_the_port(string? socket, string? urls, string? port, string? listenSocket, int? listenPort) =>
        Assert.Equal(new ListenAddress(listenSocket, listenPort), ListenAddress.From(Settings(socket, urls, port)));

    [Theory]
    [InlineData(null, "http")]
    [InlineData(null, "70000")]
    [InlineData(null, "-1")]
    public void A_port_that_is_none_is_refused_by_name(string? socket, string port) =>
        Assert.Contains($"PORT is '{port}'", Assert.Throws<InvalidOperationException>(() => ListenAddress.From(Settings(socket, null, port))).Message, StringComparison.Ordinal);

    [Fact]
    public void A_socket_path_that_the_system_cannot_hold_is_refused() =>
        Assert.Contains("107", Assert.Throws<InvalidOperationException>(() => ListenAddress.From(Settings("/tmp/" + new string('x', 120), null, null))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task It_answers_on_its_socket_although_a_killed_process_left_the_file()
    {
        LeaveStaleSocket();
        await using var instance = await Instance.StartAsync(settings: $"--TENFOLD_SOCKET={_path}");
        Assert.Equal(HttpStatusCode.OK, (await instance.Http.GetAsync("/health")).StatusCode);
    }

    [Fact]
    public async Task A_socket_that_another_process_answers_on_is_left_to_it()
    {
        await using var first = await Instance.StartAsync(settings: $"--TENFOLD_SOCKET={_path}");
        var refused = await Assert.ThrowsAsync<IOException>(() => Instance.StartAsync(settings: $"--TENFOLD_SOCKET={_path}"));
        Assert.Contains("is in use", refused.Message, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await first.Http.GetAsync("/health")).StatusCode);
    }

    [Fact]
    public void A_file_that_is_no_socket_is_not_deleted()
    {
        File.WriteAllText(_path, "precious");
        Assert.Throws<IOException>(() => ListenAddress.RemoveStale(_path));
        Assert.Equal("precious", File.ReadAllText(_path));
    }

    public void Dispose() => File.Delete(_path);

    private void LeaveStaleSocket()
    {
        // Closing a bound Unix socket does not remove its file; that is what a killed process leaves.
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(_path));
        File.Move(_path, _path + ".kept");
        socket.Dispose();
        File.Move(_path + ".kept", _path);
        Assert.True(File.Exists(_path));
    }

    private static IConfiguration Settings(string? socket, string? urls, string? port) => new ConfigurationBuilder()
        .AddInMemoryCollection(new Dictionary<string, string?>(StringComparer.Ordinal) { ["TENFOLD_SOCKET"] = socket, ["URLS"] = urls, ["PORT"] = port }).Build();
}
