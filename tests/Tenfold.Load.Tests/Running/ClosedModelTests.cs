using System.Collections.Concurrent;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Tenfold.Guide;
using Tenfold.Load.Results;
using static Tenfold.Load.Tests.Running.Tests;

namespace Tenfold.Load.Tests.Running;

public sealed class ClosedModelTests
{
    [Fact]
    public async Task Each_user_goes_through_the_scenario_with_its_own_values()
    {
        var bought = new ConcurrentBag<string>();
        await using var server = await TestServer.StartAsync(async context =>
        {
            if (context.Request.Path == "/products")
            {
                await context.Response.WriteAsJsonAsync(new { data = new[] { new { id = context.Request.Query["user"].ToString() } } });
            }
            else
            {
                using var body = new StreamReader(context.Request.Body);
                bought.Add($"{context.Request.Method} {context.Request.Path} {context.Request.Headers["X-User"]} {await body.ReadToEndAsync()}");
                context.Response.StatusCode = 201;
            }
        });
        var order = new RequestStep
        {
            Method = "POST",
            Path = "/orders/{{id}}",
            Headers = new Dictionary<string, string> { ["X-User"] = "{{user}}" },
            Json = System.Text.Json.Nodes.JsonNode.Parse("""{"id":"{{id}}"}"""),
            Expect = 201,
        };
        var result = await RunAsync(server.Address, Users(0.5, 3), [Get("/products?user=u{{user}}", 200, ("id", "data.0.id")), order, Think(20)], o => o with { Threads = 2 });

        Assert.Equal(0, result.Total.Errors);
        Assert.Equal(["POST /orders/u1 1 {\"id\":\"u1\"}", "POST /orders/u2 2 {\"id\":\"u2\"}", "POST /orders/u3 3 {\"id\":\"u3\"}"], bought.Distinct().Order());
        Assert.Equal(["GET /products", "POST /orders/{id}"], result.Routes.Select(r => r.Name));
        Assert.Equal(bought.Count, result.Route("POST /orders/{id}").Count);
        Assert.InRange(result.Total.Count, 6, 3 * 2 * 25); // 20 ms of pause leave room for 25 iterations
    }

    [Fact]
    public async Task Parallel_requests_are_under_way_at_the_same_time_and_the_step_ends_with_the_last_answer()
    {
        var turn = new Lock();
        var (all, here) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), 0);
        var after = 0;
        await using var server = await TestServer.StartAsync(async context =>
        {
            if (context.Request.Path == "/after")
            {
                Assert.Equal("?1-2-3", context.Request.QueryString.Value);
                Interlocked.Increment(ref after);
                return;
            }

            await TogetherAsync();
            await context.Response.WriteAsJsonAsync(new { n = context.Request.Path.Value![1..] });
        });
        var parallel = new ParallelStep { Parallel = [Get("/1", 200, ("a", "n")), Get("/2", 200, ("b", "n")), Get("/3", 200, ("c", "n"))] };
        var result = await RunAsync(server.Address, Users(0.4, 1), [parallel, Get("/after?{{a}}-{{b}}-{{c}}", 200)]);

        Assert.Equal(0, result.Total.Errors);
        Assert.True(result.Iterations > 1);
        Assert.InRange(after, result.Iterations, result.Iterations + 1);
        Assert.All(["GET /1", "GET /2", "GET /3"], name => Assert.InRange(result.Route(name).Count, result.Iterations, result.Iterations + 1));

        // None is answered before all three are there.
        Task TogetherAsync()
        {
            lock (turn)
            {
                var mine = all;
                if (++here == 3)
                {
                    (all, here) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), 0);
                    mine.SetResult();
                }

                return mine.Task.WaitAsync(TimeSpan.FromSeconds(30));
            }
        }
    }

    [Fact]
    public async Task A_parallel_request_that_fails_ends_the_iteration_only_if_something_was_to_be_captured()
    {
        await using var server = await TestServer.StartAsync(context =>
        {
            context.Response.StatusCode = context.Request.Path == "/bad" ? 404 : 200;
            return Task.CompletedTask;
        });
        var loose = await RunAsync(server.Address, Users(0.1, 2), [new ParallelStep { Parallel = [Get("/bad"), Get("/good")] }, Get("/after")]);
        Assert.True(loose.Route("GET /after").Count > 0);
        var strict = await RunAsync(server.Address, Users(0.1, 2), [new ParallelStep { Parallel = [Get("/bad", null, ("x", "y")), Get("/good")] }, Get("/after")]);
        Assert.DoesNotContain(strict.Routes, route => route.Name == "GET /after");
        Assert.Equal(strict.Route("GET /bad").Count, strict.Route("GET /good").Count);
    }

    [Fact]
    public async Task A_share_of_the_iterations_takes_its_steps_and_what_it_captures_ends_with_it()
    {
        await using var server = await TestServer.StartAsync(context => context.Response.WriteAsync("{\"id\":7}"));
        LoadStep[] scenario =
        [
            Get("/all", 200, ("id", "id")),
            Share(25, Get("/some/{{id}}", 200, ("other", "id")), Share(50, Get("/few/{{other}}"))),
            Share(0, Get("/never")),
            Share(100, Get("/always")),
        ];
        var result = await RunAsync(server.Address, Users(0.5, 2), scenario);
        var all = result.Route("GET /all").Count;
        Assert.True(all > 300, $"{all} iterations are too few to judge");
        Assert.InRange(result.Route("GET /some/{id}").Count, all * 0.15, all * 0.35);
        Assert.InRange(result.Route("GET /few/{other}").Count, all * 0.06, all * 0.2);
        Assert.DoesNotContain(result.Routes, route => route.Name == "GET /never");
        Assert.InRange(result.Route("GET /always").Count, all - 2, all);
        Assert.Equal(0, result.Total.Errors);

        var error = await Assert.ThrowsAsync<LoadException>(() => RunAsync(server.Address, Users(0.1, 1), [Share(50, Get("/", 200, ("id", "id"))), Get("/{{id}}")]));
        Assert.Contains("step 2 (get /{{id}}): '{{id}}' is neither", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_listening_is_a_failure_of_each_parallel_request_and_one_pause()
    {
        var server = await TestServer.StartAsync(_ => Task.CompletedTask);
        var address = server.Address;
        var gone = 0;
        var result = await RunAsync(address, Users(1.5, 1), [new ParallelStep { Parallel = [Get("/1"), Get("/2")] }, Think(1)], progress: _ =>
        {
            if (Interlocked.Exchange(ref gone, 1) == 0)
            {
                server.DisposeAsync().AsTask().GetAwaiter().GetResult();
            }
        });
        Assert.InRange(result.Route("GET /1").ErrorsOf(ErrorKind.Connect), 1, 16);
    }

    [Fact]
    public async Task Every_kind_of_failure_is_counted_as_what_it_is()
    {
        await using var server = await TestServer.StartAsync(async context =>
        {
            switch (context.Request.Path)
            {
                case "/missing":
                    context.Response.StatusCode = 404;
                    break;
                case "/slow":
                    await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
                    break;
                case "/cut":
                    context.Abort();
                    break;
                default:
                    await context.Response.WriteAsync("{}");
                    break;
            }
        });
        var slow = new Budget { Route = new RouteKey("GET", PathPattern.Parse("/slow")), Timeout = TimeSpan.FromMilliseconds(200) };
        var result = await RunAsync(
            server.Address, Users(1.2, 1), [Get("/missing"), Get("/moved", 302), Get("/slow"), Get("/cut"), Get("/empty", null, ("id", "data.id")), Get("/never/{{id}}")], budgets: [slow]);

        var first = new[] { "/missing", "/moved", "/slow", "/cut", "/empty" }.Select(path => result.Route("GET " + path)).ToArray();
        Assert.All(first, route => Assert.True(route.Count >= 1 && route.Errors == route.Count));
        Assert.Equal(first[0].Count, first[0].Statuses[404]);
        Assert.Equal(first[1].Count, first[1].Statuses[200]);
        Assert.Equal(first[2].Count, first[2].ErrorsOf(ErrorKind.Timeout));
        Assert.InRange(first[2].Latency.Min.TotalMilliseconds, 200, 2000);
        Assert.Equal(first[3].Count, first[3].ErrorsOf(ErrorKind.Protocol));
        Assert.Equal(0, first[3].Latency.Count);
        Assert.Equal(first[4].Count, first[4].ErrorsOf(ErrorKind.Capture));
        Assert.DoesNotContain(result.Routes, r => r.Name.StartsWith("GET /never", StringComparison.Ordinal)); // the rest of the iteration is left out
    }

    [Fact]
    public async Task A_server_that_closes_connections_costs_nothing()
    {
        var connections = 0;
        using var server = new RawServer(async socket =>
        {
            Interlocked.Increment(ref connections);
            var buffer = new byte[4096];
            for (var i = 0; i < 3 && await socket.ReceiveAsync(buffer) > 0; i++)
            {
                await socket.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"u8.ToArray());
            }
        }); // closed without a word after the third answer
        var result = await RunAsync(server.Address, Users(0.5, 10), [Get("/")]);

        Assert.Equal(0, result.Total.Errors);
        Assert.True(result.Total.Count > 100);
        Assert.InRange(connections, result.Total.Count / 3, (result.Total.Count / 3) + 30);
    }

    [Fact]
    public async Task A_server_that_speaks_something_else_is_a_protocol_error()
    {
        using var server = new RawServer(async socket => await socket.SendAsync("SSH-2.0-OpenSSH_9.2p1\r\n\r\n"u8.ToArray()));
        var result = await RunAsync(server.Address, Users(0.2, 2), [Get("/"), Think(20)]);
        Assert.True(result.Total.Count > 0);
        Assert.Equal(result.Total.Count, result.Total.ErrorsOf(ErrorKind.Protocol));
    }

    [Fact]
    public async Task A_server_that_goes_away_gives_connect_errors_at_a_bounded_rate()
    {
        var server = RawServer.Blink();
        var result = await RunAsync(server.Address, Users(0.6, 5), [Get("/"), new ThinkStep { Think = TimeSpan.FromMilliseconds(1) }], progress: _ => server.Dispose());
        Assert.Equal(0, result.Total.ErrorsOf(ErrorKind.Status));
        var once = await Assert.ThrowsAsync<LoadException>(() => RunAsync(server.Address, Users(0.2, 1), [Get("/")]));
        Assert.Equal(LoadFault.Target, once.Fault);
        Assert.Contains($"nothing listens at {server.Address.GetLeftPart(UriPartial.Authority)}", once.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Users_join_and_leave_as_the_stages_say()
    {
        var (now, most) = (0, 0);
        await using var server = await TestServer.StartAsync(async context =>
        {
            var n = Interlocked.Increment(ref now);
            InterlockedMax(ref most, n);
            await Task.Delay(20);
            Interlocked.Decrement(ref now);
        });
        LoadStage[] stages = [Stage(0.4, 8), Stage(0.2, 8), Stage(0.2, 2), Stage(0.2, 2)];
        var levels = new List<double>();
        var result = await RunAsync(server.Address, stages, [Get("/")], progress: p => levels.Add(p.Level));

        Assert.Equal(0, result.Total.Errors);
        Assert.Equal(8, most);
        Assert.Contains(levels, l => l is > 0 and < 8);
        Assert.Equal(0, now); // those that left had their answer
    }

    [Fact]
    public async Task Five_thousand_users_have_a_connection_each()
    {
        var connections = new ConcurrentDictionary<string, bool>(StringComparer.Ordinal);
        await using var server = await TestServer.StartAsync(context =>
        {
            connections.TryAdd(context.Connection.Id, true);
            return context.Response.WriteAsync("ok");
        });
        LoadStage[] stages = [Stage(2, 5000), Stage(1, 5000)];
        var result = await RunAsync(server.Address, stages, [Get("/"), Think(1000)]);

        Assert.Equal(0, result.Total.Errors);
        Assert.Equal(5000, connections.Count);
        Assert.True(result.Total.Count >= 5000);
    }

    [Fact]
    public async Task Ending_early_keeps_what_was_measured()
    {
        await using var server = await TestServer.StartAsync(context => context.Response.WriteAsync("ok"));
        using var stop = new CancellationTokenSource();
        var result = await RunAsync(server.Address, Users(600, 2), [Get("/")], progress: p =>
        {
            if (p.Requests > 10)
            {
                stop.Cancel();
            }
        }, cancellationToken: stop.Token);

        Assert.True(result.Interrupted);
        Assert.True(result.Total.Count > 10);
        Assert.True(result.Elapsed < TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task An_https_target_is_driven_like_any_other()
    {
        await using var server = await TestServer.StartAsync(context => context.Response.WriteAsync(new string('x', 100_000)), tls: true);
        var target = new UriBuilder(server.Address) { Host = "127.0.0.1" }.Uri;
        var result = await RunAsync(target, Users(0.5, 20), [Get("/"), Think(5)], o => o with { Insecure = true });
        Assert.Equal(0, result.Total.Errors);
        Assert.True(result.Total.Count >= 20, $"{result.Total.Count} requests");

        var strict = await RunAsync(target, Users(0.2, 1), [Get("/")]);
        Assert.Equal(strict.Total.Count, strict.Total.ErrorsOf(ErrorKind.Connect)); // nobody vouches for the certificate
    }

    [Fact]
    public async Task A_large_body_is_sent_whole()
    {
        long received = 0;
        await using var server = await TestServer.StartAsync(async context =>
        {
            await Task.Delay(50); // the socket's buffers fill
            var buffer = new byte[64 * 1024];
            while (await context.Request.Body.ReadAsync(buffer) is > 0 and var n)
            {
                Interlocked.Add(ref received, n);
            }
        });
        var body = System.Text.Json.Nodes.JsonValue.Create(new string('x', 8_000_000));
        var result = await RunAsync(server.Address, Users(0.1, 2), [new RequestStep { Method = "POST", Path = "/", Json = body }]);
        Assert.Equal(0, result.Total.Errors);
        Assert.Equal(result.Total.Count * 8_000_002, received);
    }

    [Fact]
    public async Task A_request_allocates_nothing()
    {
        using var server = RawServer.Blink();
        await RunAsync(server.Address, Users(0.3, 8), [Get("/")]); // compiles what is run
        var before = GC.GetTotalAllocatedBytes(precise: true);
        var result = await RunAsync(server.Address, Users(1.5, 8), [Get("/"), new RequestStep { Method = "POST", Path = "/{{uuid}}", Json = System.Text.Json.Nodes.JsonNode.Parse("""["{{random 1 9}}"]""") }]);
        var bytes = GC.GetTotalAllocatedBytes(precise: true) - before;

        // Buffers and histograms of the run and of the server beside it, but nothing that grows with requests.
        Assert.True(result.Total.Count > 5_000, $"{result.Total.Count} requests");
        Assert.True(bytes < 4_000_000 + (20 * result.Total.Count), $"{bytes:N0} bytes for {result.Total.Count:N0} requests");
    }

    private static LoadStage Stage(double seconds, int users) => new() { For = TimeSpan.FromSeconds(seconds), Users = users };

    private static void InterlockedMax(ref int target, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref target)) < value && Interlocked.CompareExchange(ref target, value, seen) != seen)
        {
        }
    }
}
