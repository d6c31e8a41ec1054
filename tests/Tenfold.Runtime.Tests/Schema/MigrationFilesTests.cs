using FsCheck;
using FsCheck.Fluent;
using Tenfold.Runtime.Schema;

namespace Tenfold.Runtime.Tests.Schema;

public sealed class MigrationFilesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tf-sql-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("001-products.sql", 1)]
    [InlineData("012-a-b-3.sql", 12)]
    [InlineData("1000-x.sql", 1000)]
    [InlineData("1-products.sql", null)]
    [InlineData("001_products.sql", null)]
    [InlineData("001-Products.sql", null)]
    [InlineData("001-.sql", null)]
    [InlineData("001-a--b.sql", null)]
    [InlineData("001-a.SQL", null)]
    [InlineData("001-a.sql\n", null)]
    [InlineData("٠٠١-a.sql", null)]
    [InlineData("9999999999-a.sql", null)]
    public void A_name_is_a_number_and_words(string name, int? number) => Assert.Equal(number, MigrationFiles.NumberOf(name));

    [Fact]
    public void Every_problem_of_a_folder_is_told_at_once()
    {
        Write("001-a.sql", "SELECT 1");
        Write("001-b.sql", "SELECT 1");
        Write("003-c.sql", "SELECT 1;\nCREATE UNIQUE INDEX concurrently x ON y (z);");
        Write("4-d.sql", "SELECT 1");
        Write("005-e.sql", " -- nothing\n");
        Write("notes.txt", "not looked at");
        File.WriteAllBytes(Path.Combine(_folder, "004-latin.sql"), [(byte)'-', (byte)'-', 0xE4]);
        var lines = Assert.Throws<RuntimeException>(() => MigrationFiles.Read(_folder)).Message.Split('\n');
        Assert.Collection(
            lines.Order(StringComparer.Ordinal),
            line => Assert.StartsWith($"{_folder}/001-b.sql: number 1 is used twice, also by 001-a.sql", line, StringComparison.Ordinal),
            line => Assert.StartsWith($"{_folder}/003-c.sql: number 2 is missing", line, StringComparison.Ordinal),
            line => Assert.StartsWith($"{_folder}/003-c.sql:2:1: CREATE INDEX CONCURRENTLY cannot run in a transaction", line, StringComparison.Ordinal),
            line => Assert.StartsWith($"{_folder}/004-latin.sql: byte 3 is not UTF-8", line, StringComparison.Ordinal),
            line => Assert.StartsWith($"{_folder}/005-e.sql: holds no statement", line, StringComparison.Ordinal),
            line => Assert.StartsWith($"{_folder}/005-e.sql: number 4 is missing", line, StringComparison.Ordinal),
            line => Assert.StartsWith($"{_folder}/4-d.sql: the name is not", line, StringComparison.Ordinal));
    }

    [Fact]
    public void A_folder_that_is_not_there_is_named() =>
        Assert.Contains("/no/such", Assert.Throws<RuntimeException>(() => MigrationFiles.Read("/no/such")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("create index concurrently x on y (z)", "CONCURRENTLY")]
    [InlineData("DROP INDEX CONCURRENTLY x", "CONCURRENTLY")]
    [InlineData("REINDEX TABLE CONCURRENTLY x", "CONCURRENTLY")]
    [InlineData("/* a */ Vacuum (analyze) x", "VACUUM")]
    [InlineData("CREATE DATABASE x", "CREATE DATABASE")]
    [InlineData("ALTER SYSTEM SET x = 1", "ALTER SYSTEM")]
    [InlineData("COMMIT", "COMMIT")]
    [InlineData("BEGIN", "BEGIN")]
    [InlineData("start transaction", "START")]
    [InlineData("\\copy x from 'y'", "psql")]
    [InlineData("COPY x (a, b) FROM STDIN", "COPY FROM STDIN")]
    public void What_cannot_run_in_the_files_transaction_is_refused(string sql, string expected) =>
        Assert.Contains(expected, MigrationRules.Refusal(Assert.Single(SqlScript.Split(sql))), StringComparison.Ordinal);

    [Theory]
    [InlineData("CREATE INDEX x ON y (concurrently)")]
    [InlineData("REFRESH MATERIALIZED VIEW CONCURRENTLY x")]
    [InlineData("INSERT INTO x VALUES ('COMMIT')")]
    [InlineData("REINDEX TABLE x")]
    [InlineData("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END")]
    [InlineData("COPY x FROM '/data/stdin'")]
    public void What_can_is_not(string sql) => Assert.Null(MigrationRules.Refusal(Assert.Single(SqlScript.Split(sql))));

    [Theory]
    [InlineData("a;b;c", new[] { "a", "b", "c" })]
    [InlineData("a ';' ;b", new[] { "a ';' ", "b" })]
    [InlineData("a 'it''s;';b", new[] { "a 'it''s;'", "b" })]
    [InlineData("a E'\\';';b", new[] { "a E'\\';'", "b" })]
    [InlineData("a '\\';b", new[] { "a '\\'", "b" })]
    [InlineData("a \";\";b", new[] { "a \";\"", "b" })]
    [InlineData("a $$;$$;b", new[] { "a $$;$$", "b" })]
    [InlineData("a $x$;$$;$x$;b", new[] { "a $x$;$$;$x$", "b" })]
    [InlineData("a $1;b", new[] { "a $1", "b" })]
    [InlineData("a x$y$;b", new[] { "a x$y$", "b" })]
    [InlineData("-- ;\na", new[] { "a" })]
    [InlineData("/* ; /* ; */ ; */ a;;  ;", new[] { "a" })]
    [InlineData("a 'open;", new[] { "a 'open;" })]
    [InlineData("", new string[0])]
    public void A_file_is_split_where_the_server_would(string sql, string[] statements) =>
        Assert.Equal(statements, SqlScript.Split(sql).Select(one => one.Text));

    [Fact]
    public void Any_text_is_split_in_order_and_nothing_but_space_comments_and_semicolons_is_lost() =>
        Prop.ForAll(Gen.Elements("a", ";", "'", "\"", "$", "$$", "$x$", "--", "/*", "*/", "\n", " ", "E'", "\\", "BEGIN ATOMIC", "END", "ä", "1").ListOf().Select(string.Concat).ToArbitrary(), sql =>
        {
            var at = 0;
            foreach (var one in SqlScript.Split(sql))
            {
                if (one.Start < at || sql.Substring(one.Start, one.Text.Length) != one.Text)
                {
                    return false;
                }

                at = one.Start + one.Text.Length;
            }

            return true;
        }).QuickCheckThrowOnFailure();

    private void Write(string name, string sql) => File.WriteAllText(Path.Combine(_folder, name), sql);
}
