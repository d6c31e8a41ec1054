using Npgsql;
using Tenfold.Guide;
using Tenfold.Runtime.Queries;
using Tenfold.Runtime.Stores;

namespace Tenfold.Runtime.Tests.Queries;

public sealed class QueryCheckTests
{
    private const string Schema = """
        CREATE TABLE items (id bigint PRIMARY KEY, brand text NOT NULL, price int NOT NULL, at timestamptz NOT NULL, is_active boolean NOT NULL, words tsvector, name text);
        CREATE INDEX items_brand ON items (brand, price, id) WHERE is_active;
        CREATE INDEX items_newest ON items (at DESC, id DESC);
        CREATE INDEX items_words ON items USING gin (words);
        CREATE INDEX items_name ON items (lower(name));
        CREATE INDEX items_price ON items (price);
        CREATE TABLE events (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
        CREATE INDEX events_at ON events (at, id);
        CREATE VIEW all_items AS SELECT * FROM items;
        """;

    // The shape, and the index that serves it or what is said of it.
    private static readonly (QueryShape Shape, string Expected)[] Shapes =
    [
        (Of("items", ["id"]), "items_pkey"),
        (Of("items", ["is_active", "brand"]), "items_brand"),
        (Of("items", ["is_active", "brand"], ["price", "id"]), "items_brand"),
        (Of("items", ["is_active", "brand"], ["price desc", "id desc"]), "items_brand"),
        (Of("items", ["is_active", "brand", "price > ?"], ["price", "id"]), "items_brand"),
        (Of("items", ["is_active", "brand = ANY (?)"]), "items_brand"),
        (Of("items", [], ["at desc", "id desc"]), "items_newest"),
        (Of("items", ["(at, id) < (?, ?)"], ["at desc", "id desc"]), "items_newest"),
        (Of("items", ["words @@ ?"]), "items_words"),
        (Of("items", ["lower(name) = ?"]), "items_name"),
        (Of("events", ["at"], ["id"]), "events_at"),
        (Of("items", ["brand"]), "no index serves it: reads the whole table for (brand = $1). This one would: CREATE INDEX ON items (brand)"),
        (Of("items", ["id", "brand"]), "filters (brand = $2) out of what items_pkey finds"),
        (Of("items", ["brand", "price"]), "filters (brand = $1) out of what items_price finds. This one would: CREATE INDEX ON items (brand, price)"),
        (Of("items", ["is_active", "brand"], ["at"]), "This one would: CREATE INDEX ON items (brand, at) WHERE is_active"),
        (Of("items", [], ["name"]), "sorts by name. This one would: CREATE INDEX ON items (name)"),
        (Of("events", ["id"]), "reads much of"),
        (Of("items", ["colour"]), "PostgreSQL refuses it: column \"colour\" does not exist"),
        (Of("nothing", ["id"]), "the schema makes no table nothing"),
        (Of("all_items", ["id"]), "all_items is no table"),
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_query_has_its_index_or_is_told_what_it_lacks_and_a_running_system_must_have_it_too()
    {
        await using var temporary = new TemporaryState("shop");
        var folder = Path.Combine(temporary.State.Folder, "guide");
        Directory.CreateDirectory(Path.Combine(folder, "schema"));
        await File.WriteAllTextAsync(Path.Combine(folder, "schema", "001-items.sql"), Schema, Cancel);
        var guide = new SystemGuide
        {
            System = "shop",
            Folder = folder,
            Stores = new Dictionary<string, Store> { ["main"] = new() { Engine = StoreEngine.Postgres, Schema = "schema", Replicas = 2, Queries = [.. Shapes.Select(shape => shape.Shape)] } },
        };

        // A system that is up, in which one index is gone.
        await using var up = await StoreSet.StartAsync(
            guide with { Stores = new Dictionary<string, Store> { ["main"] = new() { Engine = StoreEngine.Postgres } } }, temporary.State, new StoreOptions { Durable = false }, Cancel);
        await using (var connection = new NpgsqlConnection(up.ConnectionString("main") + ";Pooling=false"))
        {
            await connection.OpenAsync(Cancel);
            await using var make = new NpgsqlCommand(Schema + "DROP INDEX items_words", connection);
            await make.ExecuteNonQueryAsync(Cancel);
        }

        var findings = await QueryCheck.RunAsync(guide, up.Databases(), TimeProvider.System, Cancel);
        Assert.Equal(Shapes.Length, findings.Count);
        Assert.Equal(("stores.main.queries[2]", "items by is_active and brand in order of price, id"), (findings[2].Path, findings[2].Query));
        foreach (var ((shape, expected), finding) in Shapes.Zip(findings))
        {
            if (expected == "items_words")
            {
                Assert.Contains("items_words would serve it, but is missing or not valid in main of the running shop", finding.Problem, StringComparison.Ordinal);
            }
            else if (expected.Contains(' ', StringComparison.Ordinal))
            {
                Assert.True(finding.Problem?.Contains(expected, StringComparison.Ordinal), $"{shape}: {finding.Problem ?? string.Join(", ", finding.ServedBy)}");
            }
            else
            {
                Assert.True(finding.Problem is null && finding.ServedBy.Contains(expected), $"{shape}: {finding.Problem ?? string.Join(", ", finding.ServedBy)}");
            }
        }
    }

    private static QueryShape Of(string table, string[] where, string[]? order = null) => new() { Table = table, Where = where, Order = order ?? [] };
}
