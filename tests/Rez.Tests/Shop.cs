using System.Net.Http.Json;
using System.Text.Json;
using Commons.Accounts;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Commons.OpenApi;
using Rez.OpenApi;
using Rez.Seed;
using Rez.Tests.Payments;
using Tenfold.Guide;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;
using Tenfold.Runtime.Schema;
using Tenfold.Runtime.State;
using Tenfold.Runtime.Stores;

[assembly: AssemblyFixture(typeof(Rez.Tests.Shop))]
[assembly: CollectionBehavior(DisableTestParallelization = true)] // one catalogue for all of them

namespace Rez.Tests;

/// <summary>A running rez with a small dataset on a PostgreSQL of its own, shared by all tests.</summary>
public sealed class Shop : IAsyncLifetime
{
    public const int Products = 12_000;

    /// <summary>Longest wait of a test for a signal: it only matters when the test fails.</summary>
    public static readonly TimeSpan Wait = TimeSpan.FromSeconds(60);

    /// <summary>Where the mails of its instances are.</summary>
    public static readonly string MailFolder = Path.Combine(Path.GetTempPath(), $"rez-mail-{Environment.ProcessId}");

    /// <summary>Where all instances of all tests keep their files.</summary>
    public static string Files { get; } = Path.Combine(Path.GetTempPath(), $"rez-files-{Environment.ProcessId}");

    /// <summary>Passwords are not hashed as slowly as in earnest, and one at a time also on a machine of many cores.</summary>
    public static AccountsOptions QuickHashes { get; } = new() { System = "rez", PasswordIterations = 10_000, HashesAtOnce = 1 };

    private readonly SystemState _state = SystemState.At(Path.Combine(Path.GetTempPath(), $"rez-{Guid.NewGuid().ToString("N")[..10]}"), "rez");
    private StoreSet? _stores;
    private WebApplication? _app;
    private Simulator? _provider;

    public HttpClient Http { get; private set; } = null!;

    /// <summary>An administrator's, who may change every product.</summary>
    public HttpClient Admin { get; private set; } = null!;

    public NpgsqlDataSource Database { get; private set; } = null!;

    public string ConnectionString { get; private set; } = "";

    public int PostgresProcess => _stores!.Status()[0].Pid!.Value;

    /// <summary>The payment provider.</summary>
    internal Simulator Provider => _provider!;

    /// <summary>Of the superuser.</summary>
    public string AdminConnectionString => _stores!.Databases()[0].AdminConnectionString;

    public async ValueTask InitializeAsync()
    {
        var guide = new SystemGuide
        {
            System = "rez",
            Services = new Dictionary<string, Service> { ["api"] = new() { Command = ["x"], Scale = new Scale { Min = 1, Max = 2 } } },
            Stores = new Dictionary<string, Tenfold.Guide.Store>
            {
                ["main"] = new() { Engine = StoreEngine.Postgres, Pool = new Pool { Min = 1, Max = 30 }, Memory = ByteSize.FromMebibytes(128) },
            },
        };
        _stores = await StoreSet.StartAsync(guide, _state, new StoreOptions { Durable = false }, CancellationToken.None);
        ConnectionString = _stores.ConnectionString("main");
        Database = NpgsqlDataSource.Create(ConnectionString);
        await Migrations.ApplyAsync(ConnectionString, SchemaFiles.Folder, _ => { }, CancellationToken.None);
        Database.Clear(); // what a file sets for the database counts for connections made after it
        await using (var store = await ShardedStore.StartAsync(new ShardedStoreOptions { Home = new PostgresOptions { Name = "main", ConnectionString = ConnectionString } }, TimeProvider.System, new Random(), NullLoggerFactory.Instance, CancellationToken.None))
        {
            Assert.Equal(0, await new SeedCommand(Database, new Dataset(Products), _ => { }, store).RunAsync(CancellationToken.None));
        }

        _provider = await Simulator.StartAsync(Path.Combine(_state.Folder, "provider.jsonl"));
        (_app, Http) = await StartWithAsync(_provider.Settings, ConnectionString);
        _provider.SendEventsTo(new Uri(Http.BaseAddress!, "/api/payments/webhooks"));
        Admin = (await LogIn(Access.Admin)).Http;
    }

    /// <summary>Another instance of the app, on a free port.</summary>
    /// <param name="connectionString">Of the first database.</param>
    /// <param name="others">Of further ones.</param>
    public static Task<(WebApplication App, HttpClient Http)> StartAsync(string connectionString, params IEnumerable<string> others) => StartWithAsync([], connectionString, others);

    /// <summary>The same with settings of its own, such as <c>--Payments:Url=…</c>.</summary>
    public static async Task<(WebApplication App, HttpClient Http)> StartWithAsync(IEnumerable<string> settings, string connectionString, params IEnumerable<string> others)
    {
        var builder = RezApp.NewBuilder(
        [
            $"--ConnectionStrings:main={connectionString}", .. others.Select((other, index) => $"--ConnectionStrings:main_{index + 1}={other}"), "--urls=http://127.0.0.1:0", $"--Mail:Spool={MailFolder}", $"--Files:Folder={Files}", "--Logging:LogLevel:Default=None", .. settings,
        ]);
        builder.Services.AddSingleton(QuickHashes);
        var app = RezApp.Build(builder);
        await app.StartAsync();
        return (app, new HttpClient { BaseAddress = new Uri(app.Urls.First()), Timeout = Wait });
    }

    public async Task<T> GetAsync<T>(string path)
    {
        using var response = await Http.GetAsync(path);
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{path}: {(int)response.StatusCode} {body}");
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        return (T)JsonSerializer.Deserialize(body, typeof(T), RezJson.Default)!;
    }

    /// <inheritdoc cref="Login.CreateAsync"/>
    public Task<Login> LogIn(Access role, long? actsFor = null) => Login.CreateAsync(_app!, role, actsFor);

    /// <summary>A service of the running app.</summary>
    public T Service<T>()
        where T : notnull => _app!.Services.GetRequiredService<T>();

    internal Task<ListOf<Product>> ProductsAsync(string query) => GetAsync<ListOf<Product>>("/api/products" + query);

    internal async Task<Product> ProductAsync(long id) => (await GetAsync<Item<Product>>($"/api/products/{id}")).Data;

    public Task<HttpResponseMessage> PatchAsync(long id, object change) => Admin.PatchAsJsonAsync($"/api/products/{id}", change);

    /// <summary>Every row of a list, page after page by cursor.</summary>
    internal async Task<List<Product>> WalkAsync(string query, int limit = 100, Func<Task>? betweenPages = null)
    {
        var all = new List<Product>();
        for (var cursor = ""; ;)
        {
            var page = await ProductsAsync($"?limit={limit}{query}{cursor}");
            all.AddRange(page.Data);
            if (page.Pagination.NextCursor is not { } next)
            {
                Assert.False(page.Pagination.HasMore);
                return all;
            }

            cursor = "&cursor=" + next;
            await (betweenPages?.Invoke() ?? Task.CompletedTask);
        }
    }

    /// <summary>Waits until something is so; what it was instead is said when it does not become so within <see cref="Wait"/>.</summary>
    public async Task UntilAsync(Func<Task<bool>> isSo, Func<string> otherwise)
    {
        using var limit = new CancellationTokenSource(Wait);
        while (!await isSo())
        {
            Assert.False(limit.IsCancellationRequested, otherwise());
            await Task.Delay(20);
        }
    }

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<List<long>> IdsAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        await using var rows = await command.ExecuteReaderAsync();
        var ids = new List<long>();
        while (await rows.ReadAsync())
        {
            ids.Add(rows.GetFieldValue<long>(0));
        }

        return ids;
    }

    public async ValueTask DisposeAsync()
    {
        Http?.Dispose();
        Admin?.Dispose();
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }

        if (_provider is not null)
        {
            await _provider.DisposeAsync();
        }

        if (Database is not null)
        {
            await Database.DisposeAsync();
        }

        if (_stores is not null)
        {
            await _stores.DisposeAsync();
        }

        _state.Delete();
        foreach (var folder in new[] { MailFolder, Files }.Where(Directory.Exists))
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
