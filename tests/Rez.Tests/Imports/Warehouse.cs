using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Commons.Accounts;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Rez.Imports;
using Commons.OpenApi;
using Rez.OpenApi;
using Rez.Seed;
using Rez.Tests.Shards;
using Tenfold.Postgres.Moves;
using Tenfold.Postgres.Shards;
using Tenfold.Runtime.Schema;

namespace Rez.Tests.Imports;

/// <summary>A running rez over two databases that files are imported into: an instance of the service api in this process, and a worker in one of its own.</summary>
[CollectionDefinition(nameof(Warehouse))]
public sealed class Warehouse(Shop shop) : IAsyncLifetime, ICollectionFixture<Warehouse>
{
    private const int Databases = 2;
    private WebApplication? _app;
    private WorkerProcess? _worker;

    /// <summary>An administrator's, who may import for every merchant.</summary>
    public HttpClient Http { get; private set; } = null!;

    public IReadOnlyList<string> ConnectionStrings { get; private set; } = [];

    public ShardedStore Store => Service<ShardedStore>();

    internal Dataset Dataset { get; } = new(200, stores: 120, merchants: 60);

    public T Service<T>()
        where T : notnull => _app!.Services.GetRequiredService<T>();

    /// <inheritdoc cref="Login.CreateAsync"/>
    public Task<Login> LogIn(Access role, long? actsFor = null) => Login.CreateAsync(_app!, role, actsFor);

    public async ValueTask InitializeAsync()
    {
        var suffix = Guid.NewGuid().ToString("N")[..8];
        ConnectionStrings = [.. Enumerable.Range(0, Databases).Select(number => In(shop.ConnectionString, $"warehouse_{suffix}_{number}"))];
        foreach (var connectionString in ConnectionStrings)
        {
            await ExecuteAsync(shop.AdminConnectionString, $"CREATE DATABASE {new NpgsqlConnectionStringBuilder(connectionString).Database} OWNER rez");
            await Migrations.ApplyAsync(connectionString, SchemaFiles.Folder, _ => { }, CancellationToken.None);
        }

        var guide = Path.Combine(Path.GetDirectoryName(SchemaFiles.Folder)!, "tenfold.yaml");
        _app = RezApp.Build(RezApp.NewBuilder(
        [
            $"--ConnectionStrings:main={ConnectionStrings[0]}", $"--ConnectionStrings:main_1={ConnectionStrings[1]}", $"--TENFOLD_GUIDE={guide}", "--TENFOLD_SERVICE=api", "--urls=http://127.0.0.1:0", "--Logging:LogLevel:Default=None",
        ]));
        await _app.StartAsync();
        Assert.Equal(0, await new SeedCommand(Store.Home.Writer(), Dataset, _ => { }, Store).RunAsync(CancellationToken.None));
        Http = (await LogIn(Access.Admin)).Http;
        _worker = new WorkerProcess(ConnectionStrings);
    }

    /// <summary>kill -9, and another one in its place.</summary>
    internal async Task KillWorkerAsync()
    {
        await _worker!.KillAsync();
        _worker.Dispose();
        _worker = new WorkerProcess(ConnectionStrings);
    }

    /// <summary>A merchant whose bucket is in that database.</summary>
    public int Merchant(int database, int which) => Dataset.Merchants.Select(merchant => merchant.Id).Where(merchant => Store.Shard(merchant).Database == database).Skip(which).First();

    /// <summary>A file with a header and a line for each number.</summary>
    public static string Csv(IEnumerable<int> numbers, int version = 1)
    {
        var file = new StringBuilder("sku,name,brand,description,price,categoryId\n");
        foreach (var n in numbers)
        {
            file.Append(CultureInfo.InvariantCulture, $"sku-{n},\"Imported {Word(n)} {n}, v{version}\",Brand {n % 50},A thing of {Word(n * 7)} and {Word(n * 13)} that is number {n},{1 + (n % 900)}.{version % 100:00},{21 + (n % 300)}\n");
        }

        return file.ToString();
    }

    public async Task<HttpResponseMessage> SendAsync(int merchant, string? key, HttpContent content, string type = "text/csv")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/merchants/{merchant}/import") { Content = content };
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        return await Http.SendAsync(request);
    }

    public Task<HttpResponseMessage> SendAsync(int merchant, string? key, string file, string type = "text/csv") => SendAsync(merchant, key, new StringContent(file), type);

    /// <summary>Sends a file that must be taken.</summary>
    internal async Task<Import> ReceivedAsync(int merchant, string file, string? key = null, string type = "text/csv")
    {
        using var response = await SendAsync(merchant, key ?? Guid.NewGuid().ToString(), file, type);
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.Accepted, $"{(int)response.StatusCode} {body}");
        var import = JsonSerializer.Deserialize(body, RezJson.Default.ItemImport)!.Data;
        Assert.Equal($"/api/imports/{import.Id}", response.Headers.Location?.ToString());
        return import;
    }

    internal async Task<Import> FindAsync(string id) => JsonSerializer.Deserialize(await Http.GetStringAsync($"/api/imports/{id}"), RezJson.Default.ItemImport)!.Data;

    /// <summary>The import once it has ended.</summary>
    internal async Task<Import> EndedAsync(string id, TimeSpan? within = null)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (true)
        {
            var import = await FindAsync(id);
            if (import.HasEnded)
            {
                return import;
            }

            Assert.True(clock.Elapsed < (within ?? Shop.Wait), $"the import has not ended: {import}\nthe worker said:\n{_worker?.Output}");
            await Task.Delay(50);
        }
    }

    internal async Task<Import> ImportAsync(int merchant, string file, string type = "text/csv") => await EndedAsync((await ReceivedAsync(merchant, file, type: type)).Id);

    /// <summary>What the catalogue has of a merchant's imported products, by sku, as customers see it: name, price in cents, version.</summary>
    public async Task<Dictionary<string, (string Name, int Cents, int Version)>> CatalogueAsync(int merchant, string like = "sku-%")
    {
        var shard = Store.Shard(merchant);
        var ids = await RowsAsync(shard.Database, $"SELECT id, sku FROM merchant_products WHERE bucket_id = {shard.Bucket} AND merchant_id = {merchant} AND sku LIKE '{like}'", row => (row.GetInt64(0), row.GetString(1)));
        var shown = (await RowsAsync(0, $"SELECT id, name, price_cents, version FROM products WHERE merchant_id = {merchant}", row => (row.GetInt64(0), row.GetString(1), row.GetInt32(2), row.GetInt32(3)))).ToDictionary(row => row.Item1);
        return ids.ToDictionary(product => product.Item2, product => (shown[product.Item1].Item2, shown[product.Item1].Item3, shown[product.Item1].Item4));
    }

    /// <summary>Counters that do not match a recount.</summary>
    public async Task<long> WrongCountersAsync() => (long)(await ScalarAsync(
        0,
        """
        SELECT (SELECT count(*) FROM categories c WHERE product_count <> (SELECT count(*) FROM products WHERE is_active AND c.id IN (category_id, department_id)))
             + (SELECT count(*) FROM stores s WHERE product_count <> (SELECT count(*) FROM products WHERE is_active AND store_id = s.id))
             + (SELECT count(*) FROM merchants m WHERE product_count <> (SELECT count(*) FROM products WHERE is_active AND merchant_id = m.id))
             + (SELECT count(*) FROM catalogue WHERE product_count <> (SELECT count(*) FROM products WHERE is_active))
        """))!;

    /// <summary>The sum over all databases.</summary>
    public async Task<long> CountAsync(string sql) => (await Task.WhenAll(ConnectionStrings.Select(async connectionString => (long)(await ExecuteAsync(connectionString, sql))!))).Sum();

    public Task<object?> ScalarAsync(int database, string sql) => ExecuteAsync(ConnectionStrings[database], sql);

    public async Task<List<T>> RowsAsync<T>(int database, string sql, Func<NpgsqlDataReader, T> read)
    {
        await using var connection = new NpgsqlConnection(ConnectionStrings[database] + ";Pooling=false");
        await connection.OpenAsync();
        return await Commons.Data.Sql.ListAsync(new NpgsqlCommand(sql, connection), read, CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        _worker?.Dispose();
        Http?.Dispose();
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }

        foreach (var connectionString in ConnectionStrings)
        {
            await ExecuteAsync(shop.AdminConnectionString, $"DROP DATABASE IF EXISTS {new NpgsqlConnectionStringBuilder(connectionString).Database} WITH (FORCE)");
        }
    }

    /// <summary>Lets a merchant's imports through one piece at a time, or not at all.</summary>
    internal async Task<Gate> GateAsync(int merchant)
    {
        var connection = new NpgsqlConnection(ConnectionStrings[Store.Shard(merchant).Database] + ";Pooling=false");
        await connection.OpenAsync();
        return new Gate(connection, merchant);
    }

    /// <summary>Moves of buckets so far.</summary>
    public async Task<long> CountMovesAsync() => (long)(await ScalarAsync(0, "SELECT count(*) FROM tenfold.shard_moves"))!;

    /// <summary>Moves a merchant's bucket to the other database, as <c>tenfold shards rez move</c> does.</summary>
    /// <returns>The database that it is in now.</returns>
    public async Task<int> MoveAsync(int merchant)
    {
        var options = new ShardedStoreOptions
        {
            Home = new() { Name = "main", ConnectionString = ConnectionStrings[0] },
            Others = new Dictionary<int, string> { [1] = ConnectionStrings[1] },
            Movers = Enumerable.Range(0, Databases).ToDictionary(number => number, number => In(shop.AdminConnectionString, new NpgsqlConnectionStringBuilder(ConnectionStrings[number]).Database!)),
            MakesIds = false,
        };
        await using var store = await ShardedStore.StartAsync(options, TimeProvider.System, new Random(), Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, CancellationToken.None);
        var shard = store.Shard(merchant);
        await new BucketMover(store, Estate.Patient, _ => { }).MoveAsync([shard.Bucket], 1 - shard.Database, CancellationToken.None);
        return 1 - shard.Database;
    }

    private static string Word(int n) => $"{(char)('a' + (n % 26))}{(char)('a' + (n / 26 % 26))}{(char)('a' + (n / 676 % 26))}ova";

    private static string In(string connectionString, string database) => new NpgsqlConnectionStringBuilder(connectionString) { Database = database, MaxPoolSize = 12, MinPoolSize = 0 }.ConnectionString;

    private static async Task<object?> ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}

/// <summary>Holds the lock under which the pieces of a merchant's imports are applied. Dispose it: that opens it.</summary>
internal sealed class Gate(NpgsqlConnection connection, int merchant) : IAsyncDisposable
{
    /// <summary>After the piece that is under way.</summary>
    public Task CloseAsync() => RunAsync("pg_advisory_lock");

    /// <summary>Whoever waits goes first.</summary>
    public Task OpenAsync() => RunAsync("pg_advisory_unlock");

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    private async Task RunAsync(string function)
    {
        await using var command = new NpgsqlCommand($"SELECT {function}(hashtext('rez import'), $1)", connection) { Parameters = { new NpgsqlParameter<int> { TypedValue = merchant } } };
        await command.ExecuteNonQueryAsync();
    }
}
