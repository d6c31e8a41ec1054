using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Tenfold.Redis.Tests.Support;
using Tenfold.TestSupport;

namespace Tenfold.Redis.Tests.Connections;

public sealed class SecurityTests
{
    [Fact]
    public async Task Passwords_and_users_are_checked_and_a_wrong_one_is_said()
    {
        await using var server = await RedisServer.StartAsync("--requirepass", "s3cret word");
        var at = $"127.0.0.1:{server.Port}";
        await using var withPassword = new RedisClient(Patient.Options($"redis://:s3cret%20word@{at}/5"));
        Assert.True(await withPassword.SetAsync("key", "1".Utf8()));
        Assert.Contains("db=5", (await withPassword.ExecuteAsync(["CLIENT", "INFO"])).Text!, StringComparison.Ordinal);
        await withPassword.ExecuteAsync(["ACL", "SETUSER", "app", "on", ">app-secret", "~app:*", "&*", "+@all"]);
        await using var withUser = new RedisClient(Patient.Options($"redis://app:app-secret@{at}"));
        Assert.True(await withUser.SetAsync("app:key", "1".Utf8()));
        Assert.Equal("NOPERM", (await Assert.ThrowsAsync<RedisServerException>(async () => await withUser.GetAsync("other"))).Code);

        await using var wrong = new RedisClient(Patient.Options($"redis://:wrong@{at}"));
        var refused = await Assert.ThrowsAsync<RedisConnectionException>(async () => await wrong.PingAsync());
        Assert.Contains("WRONGPASS", refused.Message, StringComparison.Ordinal);
        await using var none = new RedisClient(Patient.Options($"redis://{at}"));
        Assert.Contains("NOAUTH", (await Assert.ThrowsAsync<RedisConnectionException>(async () => await none.PingAsync())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tls_is_spoken_and_a_certificate_of_nobody_known_is_refused()
    {
        var folder = Directory.CreateTempSubdirectory("tenfold-tls-");
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, true));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var (certificateFile, keyFile) = (Path.Combine(folder.FullName, "cert.pem"), Path.Combine(folder.FullName, "key.pem"));
        await File.WriteAllTextAsync(certificateFile, certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(keyFile, key.ExportPkcs8PrivateKeyPem());
        await using var server = await RedisServer.StartAsync("--port", "0", "--tls-port", "{port}", "--tls-cert-file", certificateFile, "--tls-key-file", keyFile, "--tls-auth-clients", "no");

        await using var trusting = new RedisClient(Patient.Options($"rediss://127.0.0.1:{server.Port}") with
        {
            ConfigureTls = tls => tls.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                CustomTrustStore = { certificate },
                RevocationMode = X509RevocationMode.NoCheck,
            },
        });
        var value = new byte[3_000_000];
        new Random(4).NextBytes(value);
        await trusting.SetAsync("key", value);
        Assert.Equal(value, await trusting.GetAsync("key"));
        await Task.WhenAll(Enumerable.Range(0, 500).Select(i => trusting.SetAsync($"key-{i}", value.AsMemory(0, i)).AsTask()));
        Assert.Equal(value[..499], await trusting.GetAsync("key-499"));

        await using var careful = new RedisClient(Patient.Options($"rediss://127.0.0.1:{server.Port}"));
        var refused = await Assert.ThrowsAsync<RedisConnectionException>(async () => await careful.PingAsync());
        Assert.Contains("certificate", refused.Message, StringComparison.OrdinalIgnoreCase);
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_unix_socket_does_as_well()
    {
        var folder = Directory.CreateTempSubdirectory("tenfold-unix-");
        var socket = Path.Combine(folder.FullName, "redis.sock");
        await using (var server = await RedisServer.StartAsync("--unixsocket", socket))
        {
            await using var client = new RedisClient(Patient.Options($"unix://{socket}"));
            await client.PingAsync();
        }

        folder.Delete(recursive: true);
    }
}
