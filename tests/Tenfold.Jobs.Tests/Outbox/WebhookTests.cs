using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Npgsql;
using Tenfold.Jobs.Outbox;
using Tenfold.Jobs.Tests.Support;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Outbox;

public sealed class WebhookTests(JobServer server) : IAsyncDisposable
{
    private const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    private readonly ConcurrentQueue<(string Id, string Timestamp, string Signature, string Type, byte[] Body)> _received = new();
    private Func<HttpContext, Task> _answer = _ => Task.CompletedTask;
    private WebApplication? _receiver;

    public async ValueTask DisposeAsync()
    {
        if (_receiver is not null)
        {
            await _receiver.DisposeAsync();
        }
    }

    [Fact]
    public void A_signature_is_that_of_the_specification() => Assert.Equal(
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        WebhookSignature.Of(Secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}"u8));

    [Fact]
    public async Task A_webhook_is_sent_after_the_commit_signed_and_again_with_the_same_id_until_it_is_taken()
    {
        var url = await ReceiverAsync();
        var answers = 0;
        _answer = context =>
        {
            context.Response.StatusCode = Interlocked.Increment(ref answers) == 1 ? 500 : 204;
            return Task.CompletedTask;
        };
        await using var database = await server.DatabaseAsync();
        await using var app = await JobApp.StartAsync(database.ConnectionString, configure: options =>
        {
            Configure(options.AddOutbox().Outbox!);
            options.Queues[OutboxOptions.Queue] = new JobQueueOptions { Backoff = new Backoff { First = TimeSpan.FromMilliseconds(10) } };
        });
        Enqueued job;
        await using (var connection = await database.Source.OpenConnectionAsync())
        {
            await using var rolledBack = await connection.BeginTransactionAsync();
            await app.Client.EnqueueAsync(connection, Message(url, "never"));
            await rolledBack.RollbackAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            job = await app.Client.EnqueueAsync(connection, Message(url, "order"));
            await transaction.CommitAsync();
        }

        await Wait.ForAsync("it is sent twice", () => _received.Count == 2);

        foreach (var one in _received)
        {
            Assert.Equal($"{job.Id}", one.Id);
            Assert.Equal("application/json", one.Type);
            Assert.Equal(WebhookSignature.Of(Secret, one.Id, long.Parse(one.Timestamp), one.Body), one.Signature);
            Assert.Equal("order", JsonDocument.Parse(one.Body).RootElement.GetProperty("type").GetString());
        }

        await Wait.ForAsync("it has completed", async () => await database.ExecuteAsync($"SELECT outcome FROM tenfold.jobs_ended WHERE id = {job.Id}") is (short)1);
    }

    [Fact]
    public async Task An_answer_of_410_is_a_dead_letter_and_a_pause_that_is_asked_for_is_no_attempt()
    {
        var url = await ReceiverAsync();
        _answer = Answer(410, "no such endpoint");
        var gone = await Assert.ThrowsAsync<JobFailedException>(() => SendAsync(url));
        Assert.Contains("answered 410: no such endpoint", gone.Message, StringComparison.Ordinal);

        _answer = Answer(429, "", "Retry-After", "120");
        var later = await Assert.ThrowsAsync<JobRetryException>(() => SendAsync(url));
        Assert.Equal((TimeSpan.FromMinutes(2), false), (later.After, later.Counts));

        _answer = Answer(503, "", "Retry-After", "999999");
        var much = await Assert.ThrowsAsync<JobRetryException>(() => SendAsync(url, age: TimeSpan.FromDays(2)));
        Assert.Equal((TimeSpan.FromHours(1), true), (much.After, much.Counts));

        _answer = Answer(503, "");
        await Assert.ThrowsAsync<HttpRequestException>(() => SendAsync(url));
    }

    [Fact]
    public async Task No_redirect_is_followed_and_of_a_long_answer_only_the_beginning_is_read()
    {
        var url = await ReceiverAsync();
        _answer = Answer(302, "", "Location", url);
        Assert.Contains("answered 302", (await Assert.ThrowsAsync<HttpRequestException>(() => SendAsync(url))).Message, StringComparison.Ordinal);
        Assert.Single(_received);

        var isCut = new TaskCompletionSource();
        _answer = async context =>
        {
            context.Response.StatusCode = 500;
            context.RequestAborted.Register(isCut.SetResult);
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.WriteAsync(new string('x', 10_000));
            }
        };
        var refused = await Assert.ThrowsAsync<HttpRequestException>(() => SendAsync(url));
        Assert.InRange(refused.Message.Length, 200, 300);
        await isCut.Task.WaitAsync(PostgresServer.Patience);
    }

    [Fact]
    public async Task A_receiver_that_does_not_answer_is_given_up()
    {
        var url = await ReceiverAsync();
        _answer = context => Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);

        var late = await Assert.ThrowsAsync<TimeoutException>(() => SendAsync(url, options => options.Timeout = TimeSpan.FromMilliseconds(200)));

        Assert.Contains("did not answer within 0.2 s", late.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_sent_says_why()
    {
        var url = await ReceiverAsync();
        Assert.Contains("private network", (await Assert.ThrowsAsync<HttpRequestException>(() => SendAsync(url, options => options.AllowPrivateAddresses = false))).Message, StringComparison.Ordinal);
        Assert.Contains("no webhook secret 'partner'", (await Assert.ThrowsAsync<InvalidOperationException>(() => SendAsync(url, options => options.Secrets.Clear()))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<JobFailedException>(() => SendAsync("file:///etc/passwd"));
        Assert.Empty(_received);
        var wrong = Assert.Throws<ArgumentException>(() => new JobOptions().AddOutbox(options => options.Secrets["partner"] = "whsec_hunter2"));
        Assert.Contains("'partner' is no key", wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void While_a_key_is_changed_there_is_a_signature_of_each() => Assert.Equal(
        2, WebhookSignature.Of($"{Secret} whsec_{Convert.ToBase64String(new byte[32])}", "1", 1, "{}"u8).Split(' ').Distinct().Count());

    [Theory]
    [InlineData("127.0.0.1", false)]
    [InlineData("10.1.2.3", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("172.31.0.1", false)]
    [InlineData("192.168.0.1", false)]
    [InlineData("::1", false)]
    [InlineData("::ffff:10.0.0.1", false)]
    [InlineData("fd00::1", false)]
    [InlineData("fe80::1", false)]
    [InlineData("8.8.8.8", true)]
    [InlineData("172.32.0.1", true)]
    [InlineData("2606:4700::1111", true)]
    public void Addresses_of_private_networks_are_known(string address, bool isPublic) => Assert.Equal(isPublic, PublicAddresses.Includes(IPAddress.Parse(address)));

    private static void Configure(OutboxOptions options)
    {
        options.Secrets["partner"] = Secret;
        options.AllowPrivateAddresses = true;
    }

    private static Webhook Message(string url, string type) => new() { Url = url, Secret = "partner", Body = JsonElement.Parse($$"""{"type":"{{type}}"}""") };

    private static Func<HttpContext, Task> Answer(int status, string text, string? header = null, string? value = null) => async context =>
    {
        context.Response.StatusCode = status;
        if (header is not null)
        {
            context.Response.Headers[header] = value;
        }

        await context.Response.WriteAsync(text);
    };

    private static async Task SendAsync(string url, Action<OutboxOptions>? configure = null, TimeSpan age = default)
    {
        var options = new OutboxOptions();
        Configure(options);
        configure?.Invoke(options);
        using var sender = new WebhookSender(options, TimeProvider.System);
        await sender.SendAsync(Message(url, "order"), new AJob(DateTimeOffset.UtcNow - age), default);
    }

    private async Task<string> ReceiverAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _receiver = builder.Build();
        _receiver.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            var headers = context.Request.Headers;
            _received.Enqueue(($"{headers["webhook-id"]}", $"{headers["webhook-timestamp"]}", $"{headers["webhook-signature"]}", $"{context.Request.ContentType}", body.ToArray()));
            await _answer(context);
        });
        await _receiver.StartAsync();
        return $"{_receiver.Urls.First()}/hook";
    }
}

/// <summary>A job that is only looked at.</summary>
internal sealed class AJob(DateTimeOffset enqueuedAt) : JobContext
{
    public override long Id => 7000;

    public override string Queue => OutboxOptions.Queue;

    public override string Kind => "tenfold.webhook";

    public override int Attempt => 1;

    public override bool IsLastAttempt => false;

    public override DateTimeOffset EnqueuedAt => enqueuedAt;

    public override void Report(long done, long total = 0, string? note = null) => throw new NotSupportedException();

    public override Task CompleteAsync(NpgsqlTransaction transaction, CancellationToken cancel) => throw new NotSupportedException();

    public override Task<bool> OnceAsync(NpgsqlConnection connection, string step = "", CancellationToken cancel = default) => throw new NotSupportedException();
}
