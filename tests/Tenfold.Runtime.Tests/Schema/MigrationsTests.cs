using System.Collections.Concurrent;
using Tenfold.Runtime.Schema;
using Tenfold.Runtime.Tests.Stores;

namespace Tenfold.Runtime.Tests.Schema;

public sealed class MigrationsTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tf-sql-").FullName;
    private readonly ConcurrentQueue<string> _reports = new();

    public async ValueTask InitializeAsync() => await postgres.EmptyAsync();

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Files_are_applied_once_and_in_order()
    {
        Write("001-products.sql", "CREATE TABLE product (id int PRIMARY KEY, name text); INSERT INTO product VALUES (1, 'a;b')");
        Write("002-more.sql", "-- a comment; with a semicolon\nALTER TABLE product ADD price int;\nUPDATE product SET price = 5;\n");
        Assert.Equal(["001-products.sql", "002-more.sql"], await ApplyAsync());
        Assert.Equal("a;b 5", await postgres.QueryAsync("SELECT name || ' ' || price FROM product"));

        Write("003-index.sql", "CREATE INDEX ON product (price)");
        Assert.Equal(["003-index.sql"], await ApplyAsync());
        Assert.Empty(await ApplyAsync());
        Assert.Equal(3L, await postgres.QueryAsync("SELECT count(*) FROM tenfold_schema WHERE checksum ~ '^[0-9a-f]{64}$' AND applied_at <= now()"));
    }

    [Fact]
    public async Task A_file_is_applied_whole_or_not_at_all_and_the_error_names_file_line_and_column()
    {
        Write("001-a.sql", "CREATE TABLE a (x int)");
        Write("002-b.sql", "CREATE TABLE b (x int);\n\n-- zwölf Äpfel 🍏\nINSERT INTO b\n  SELECT wrong FROM a;\n");
        var error = await Assert.ThrowsAsync<RuntimeException>(ApplyAsync);
        Assert.Equal(RuntimeFailure.Guide, error.Failure);
        Assert.StartsWith($"{_folder}/002-b.sql:5:10: column \"wrong\" does not exist (42703)", error.Message, StringComparison.Ordinal);
        Assert.Contains("SELECT wrong FROM a;", error.Message, StringComparison.Ordinal);
        Assert.Equal("a", await postgres.QueryAsync("SELECT string_agg(relname, ',') FROM pg_class WHERE relkind = 'r' AND relname IN ('a', 'b')"));

        Write("002-b.sql", "CREATE TABLE b (x int)");
        Assert.Equal(["002-b.sql"], await ApplyAsync());
    }

    [Fact]
    public async Task A_constraint_that_speaks_at_the_commit_undoes_the_file()
    {
        Write("001-a.sql", "CREATE TABLE a (x int UNIQUE DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO a VALUES (1), (1);");
        var error = await Assert.ThrowsAsync<RuntimeException>(ApplyAsync);
        Assert.Contains("001-a.sql:2:1: duplicate key", error.Message, StringComparison.Ordinal);
        Assert.Equal(0L, await postgres.QueryAsync("SELECT count(*) FROM tenfold_schema"));
    }

    [Fact]
    public async Task Changed_missing_and_renamed_files_are_all_named()
    {
        Write("001-a.sql", "CREATE TABLE a ()");
        Write("002-b.sql", "CREATE TABLE b ()");
        Write("003-c.sql", "CREATE TABLE c ()");
        await ApplyAsync();
        Write("001-a.sql", "CREATE TABLE a (x int)");
        File.Move(Path.Combine(_folder, "002-b.sql"), Path.Combine(_folder, "002-bb.sql"));
        File.Delete(Path.Combine(_folder, "003-c.sql"));
        var error = await Assert.ThrowsAsync<RuntimeException>(ApplyAsync);
        var lines = error.Message.Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.StartsWith($"{_folder}/001-a.sql: was changed after it was applied", lines[0], StringComparison.Ordinal);
        Assert.StartsWith($"{_folder}/002-bb.sql: was applied under the name 002-b.sql", lines[1], StringComparison.Ordinal);
        Assert.StartsWith($"{_folder}/003-c.sql: was applied but is not there any more", lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_hosts_at_once_apply_each_file_once()
    {
        Write("001-a.sql", "CREATE TABLE a (x int); SELECT pg_sleep(0.2)");
        Write("002-b.sql", "INSERT INTO a VALUES (1)");
        var done = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => ApplyAsync()));
        Assert.Equal(2, done.Sum(names => names.Count));
        Assert.Equal(1L, await postgres.QueryAsync("SELECT count(*) FROM a"));
        Assert.Contains(_reports, line => line.Contains("waiting for another host", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_a_file_sets_does_not_reach_the_next_one()
    {
        Write("001-a.sql", "CREATE SCHEMA other; SET search_path = other; CREATE TABLE here (x int)");
        Write("002-b.sql", "CREATE TABLE there (x int)");
        await ApplyAsync();
        Assert.Equal("other.here,public.there", await postgres.QueryAsync("SELECT string_agg(schemaname || '.' || tablename, ',' ORDER BY tablename) FROM pg_tables WHERE tablename IN ('here', 'there')"));
        await postgres.QueryAsync("DROP SCHEMA other CASCADE");
    }

    [Fact]
    public async Task Functions_of_every_kind_of_quoting_are_applied()
    {
        Write("001-a.sql", """
            CREATE EXTENSION pg_trgm;
            CREATE FUNCTION one() RETURNS int LANGUAGE plpgsql AS $body$ BEGIN PERFORM 1; RETURN 1; END $body$;
            CREATE FUNCTION two(a int) RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN a > 0 THEN a::int ELSE 2 END; END;
            CREATE FUNCTION three() RETURNS text LANGUAGE sql AS 'SELECT '';@x :y $1''::text';
            DO $$ BEGIN PERFORM E'it\'s; '; END $$;
            CREATE TABLE t (tags jsonb, "semi;colon" int);
            SELECT * FROM t WHERE tags @> '{"a":1}' AND 'a' = ANY (ARRAY['b':: text]);
            """);
        await ApplyAsync();
        Assert.Equal("1 5 ;@x :y $1", await postgres.QueryAsync("SELECT one() || ' ' || two(5) || ' ' || three()"));
    }

    [Fact]
    public async Task An_error_in_an_atomic_body_is_placed_as_well()
    {
        Write("001-a.sql", "SELECT 1;\nCREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1;\n SELECT nope; END");
        var error = await Assert.ThrowsAsync<RuntimeException>(ApplyAsync);
        Assert.StartsWith($"{_folder}/001-a.sql:3:9: column \"nope\" does not exist", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_cannot_be_reached_is_no_fault_of_the_files()
    {
        Write("001-a.sql", "SELECT 1");
        var error = await Assert.ThrowsAsync<RuntimeException>(() => Migrations.ApplyAsync("Host=/no/such/folder;Username=x;Database=x", _folder, _ => { }, default));
        Assert.Equal(RuntimeFailure.Failed, error.Failure);
    }

    [Fact]
    public async Task A_seed_runs_to_its_end_once()
    {
        var runs = 0;
        var failed = await Assert.ThrowsAsync<RuntimeException>(() => SeedAsync(() => 3));
        Assert.Contains("exit code 3", failed.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidOperationException>(() => SeedAsync(() => throw new InvalidOperationException("the host dies")));

        var ran = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => SeedAsync(() =>
        {
            Interlocked.Increment(ref runs);
            return 0;
        })));
        Assert.Equal(1, runs);
        Assert.Single(ran, one => one);
        Assert.True(await Seeds.RunOnceAsync(postgres.ConnectionString, "other", _ => Task.FromResult(0), _ => { }, default));
    }

    private Task<bool> SeedAsync(Func<int> run) => Seeds.RunOnceAsync(postgres.ConnectionString, "api", async _ =>
    {
        await Task.Yield();
        return run();
    }, _reports.Enqueue, default);

    private void Write(string name, string sql) => File.WriteAllText(Path.Combine(_folder, name), sql);

    private Task<IReadOnlyList<string>> ApplyAsync() => Migrations.ApplyAsync(postgres.ConnectionString, _folder, _reports.Enqueue, default);
}
