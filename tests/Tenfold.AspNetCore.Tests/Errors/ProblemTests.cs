using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Npgsql;
using Tenfold.AspNetCore.Errors;

namespace Tenfold.AspNetCore.Tests.Errors;

public sealed class ProblemTests
{
    [Theory]
    [InlineData("GET", "/nothing", 404)]
    [InlineData("DELETE", "/fine", 405)]
    [InlineData("GET", "/wrong", 500)]
    [InlineData("GET", "/bad", 400)]
    [InlineData("GET", "/away", 503)]
    [InlineData("GET", "/status/415", 415)]
    [InlineData("GET", "/status/429", 429)]
    public async Task Every_error_is_a_problem_document(string method, string path, int status)
    {
        await using var instance = await StartAsync();
        using var response = await instance.Http.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        Assert.Equal((HttpStatusCode)status, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.ToString());
        Assert.Equal(status, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("status").GetInt32());
        Assert.False(response.Headers.Contains("Server"));
        Assert.Equal(status == 503, response.Headers.RetryAfter is not null);
    }

    [Fact]
    public async Task A_failure_inside_does_not_tell_its_message_to_the_client()
    {
        await using var instance = await StartAsync();
        Assert.DoesNotContain("secret", await (await instance.Http.GetAsync("/wrong")).Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_over_the_limit_is_a_413()
    {
        // Small, so that it has been sent when the answer comes: a client may also be told by a reset.
        await using var instance = await StartAsync(options => options.MaxRequestBody = 1000);
        using var response = await instance.Http.PostAsync("/echo", new ByteArrayContent(new byte[1001]));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.ToString());
    }

    [Fact]
    public async Task An_answer_that_fails_half_way_is_cut_off_and_not_ended_as_if_whole()
    {
        await using var instance = await StartAsync();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => instance.Http.GetStringAsync("/half"));
    }

    [Fact]
    public async Task An_answer_with_a_body_of_its_own_is_left_as_it_is()
    {
        await using var instance = await StartAsync();
        using var response = await instance.Http.GetAsync("/own");
        Assert.Equal((HttpStatusCode.Conflict, "mine"), (response.StatusCode, await response.Content.ReadAsStringAsync()));
    }

    public static TheoryData<Exception, bool> Failures => new()
    {
        { new NpgsqlException("x", new SocketException()), true },
        { new NpgsqlException("x", new TimeoutException()), true },
        { new NpgsqlException("The connection pool has been exhausted", new TimeoutException()), true },
        { new NpgsqlException("x", new IOException()), true },
        { new InvalidOperationException("x", new NpgsqlException("x", new SocketException())), true },
        { Server(PostgresErrorCodes.QueryCanceled), true },
        { Server(PostgresErrorCodes.AdminShutdown), true },
        { Server(PostgresErrorCodes.CannotConnectNow), true },
        { Server(PostgresErrorCodes.TooManyConnections), true },
        { Server(PostgresErrorCodes.DiskFull), true },
        { Server(PostgresErrorCodes.SyntaxError), false },
        { Server(PostgresErrorCodes.UndefinedTable), false },
        { Server(PostgresErrorCodes.UniqueViolation), false },
        { new InvalidOperationException("x"), false },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public void A_store_that_is_away_is_told_from_a_mistake(Exception exception, bool away) => Assert.Equal(away, StoreFailure.Describe(exception) is not null);

    private static PostgresException Server(string state) => new("message", "ERROR", "ERROR", state);

    private static Task<Instance> StartAsync(Action<TenfoldOptions>? configure = null) => Instance.StartAsync(Map, configure);

    private static void Map(WebApplication app)
    {
        app.MapGet("/fine", static context => context.Response.WriteAsync("fine"));
        app.MapGet("/wrong", static (HttpContext _) => throw new InvalidOperationException("secret"));
        app.MapGet("/bad", static (HttpContext _) => throw new BadHttpRequestException("The head is wrong."));
        app.MapGet("/away", static (HttpContext _) => throw new NpgsqlException("x", new SocketException()));
        app.MapGet("/status/{status}", static context =>
        {
            context.Response.StatusCode = int.Parse((string)context.Request.RouteValues["status"]!);
            return Task.CompletedTask;
        });
        app.MapPost("/echo", static context => context.Request.Body.CopyToAsync(context.Response.Body));
        app.MapGet("/half", static async context =>
        {
            await context.Response.WriteAsync("{\"half\":");
            await context.Response.Body.FlushAsync();
            throw new InvalidOperationException("half-way");
        });
        app.MapGet("/own", static context =>
        {
            context.Response.StatusCode = 409;
            return context.Response.WriteAsync("mine");
        });
    }
}
