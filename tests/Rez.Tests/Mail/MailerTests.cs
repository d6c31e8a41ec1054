using System.Net;
using System.Net.Sockets;
using Commons.Mail;
using Microsoft.Extensions.Configuration;

namespace Rez.Tests.Mail;

public sealed class MailerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_mail_is_given_to_the_server_with_the_same_id_each_time()
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        var mailer = new Mailer(Options(("Smtp:Host", "127.0.0.1"), ("Smtp:Port", $"{((IPEndPoint)server.LocalEndpoint).Port}"), ("Smtp:Tls", "false"), ("From", "Shop <orders@shop.example>")));
        for (var i = 0; i < 2; i++)
        {
            var taken = TakeAsync(server);
            await mailer.SendAsync(new Commons.Mail.Mail("order-7-1", "ada@example.com", "Ada", "Your order 7", "Hello"), Cancel);
            var said = await taken.WaitAsync(Shop.Wait, Cancel);
            Assert.Contains("RCPT TO:<ada@example.com>", said);
            Assert.Contains("Message-ID: <order-7-1@shop.example>", said, StringComparer.OrdinalIgnoreCase);
            Assert.Contains("Subject: Your order 7", said);
        }
    }

    [Fact]
    public async Task In_the_folder_a_mail_that_is_sent_again_replaces_itself()
    {
        var folder = Directory.CreateTempSubdirectory("mail").FullName;
        var mailer = new Mailer(Options(("Spool", folder)));
        await mailer.SendAsync(new Commons.Mail.Mail("a", "ada@example.com", "Ada", "One", "Hello"), Cancel);
        await mailer.SendAsync(new Commons.Mail.Mail("a", "ada@example.com", "Ada", "One", "Hello"), Cancel);
        Assert.Equal([Path.Combine(folder, "a.eml")], Directory.GetFiles(folder));
        Assert.Empty(Directory.GetDirectories(Path.Combine(folder, ".new")));
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("From", "nobody")]
    [InlineData("Spool", "relative/folder")]
    [InlineData("Smtp:Port", "70000")]
    [InlineData("Smtp:Tls", "maybe")]
    [InlineData("Smtp:User", "somebody")]
    public void A_setting_that_is_none_is_refused_by_name(string key, string value) =>
        Assert.Contains($"Mail:{key}", Assert.Throws<InvalidOperationException>(() => Options((key, value))).Message, StringComparison.Ordinal);

    private static MailOptions Options(params (string Key, string Value)[] values) => MailOptions.Read(
        new ConfigurationBuilder().AddInMemoryCollection(values.Select(value => KeyValuePair.Create($"Mail:{value.Key}", (string?)value.Value))).Build(), "rez");

    /// <summary>The server's side of one conversation: what was said to it.</summary>
    private static async Task<List<string>> TakeAsync(TcpListener server)
    {
        using var client = await server.AcceptTcpClientAsync(Cancel);
        using var reader = new StreamReader(client.GetStream());
        await using var writer = new StreamWriter(client.GetStream()) { NewLine = "\r\n", AutoFlush = true };
        await writer.WriteLineAsync("220 ready");
        var said = new List<string>();
        for (var isData = false; await reader.ReadLineAsync(Cancel) is { } line;)
        {
            said.Add(line);
            if (isData && line != ".")
            {
                continue;
            }

            isData = line == "DATA";
            await writer.WriteLineAsync(isData ? "354 go on" : line == "QUIT" ? "221 bye" : "250 ok");
            if (line is "." or "QUIT")
            {
                return said; // the client may leave without a word
            }
        }

        return said;
    }
}
