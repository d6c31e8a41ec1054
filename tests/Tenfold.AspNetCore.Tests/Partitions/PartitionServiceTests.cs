using Tenfold.Postgres.Tests.Support;

namespace Tenfold.AspNetCore.Tests.Partitions;

public sealed class PartitionServiceTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tenfold-partitions-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task An_app_has_made_the_guides_partitions_when_it_serves_and_drops_what_is_over()
    {
        await using var server = await PostgresServer.StartAsync();
        await server.ExecuteAsync("CREATE DATABASE second");
        const string table = "CREATE TABLE events (at timestamptz NOT NULL) PARTITION BY RANGE (at)";
        await server.ExecuteAsync($"{table}; CREATE TABLE events_p2019 PARTITION OF events FOR VALUES FROM ('2019-01-01 00:00+00') TO ('2020-01-01 00:00+00'); INSERT INTO events VALUES ('2019-05-05')");
        var second = server.ConnectionString.Replace("Database=postgres", "Database=second", StringComparison.Ordinal);
        await using (var source = Npgsql.NpgsqlDataSource.Create(second + ";Pooling=false"))
        await using (var command = source.CreateCommand(table))
        {
            await command.ExecuteNonQueryAsync();
        }

        var guide = Path.Combine(_folder.FullName, "tenfold.yaml");
        await File.WriteAllTextAsync(guide, """
            system: shop
            services: { api: { project: . } }
            stores: { main: { engine: postgres, partitions: [{ table: events, by: at, every: year, ahead: 1, keep: 365d, archive: archive }] } }
            """);
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "api.csproj"), "<Project />");
        await using var instance = await Instance.StartAsync(
            null, null, $"--TENFOLD_GUIDE={guide}", "--TENFOLD_SERVICE=api", $"--ConnectionStrings:main={server.ConnectionString}", $"--ConnectionStrings:main_1={second}", "--ConnectionStrings:mainly=Host=/nowhere");
        await server.ExecuteAsync("INSERT INTO events VALUES (now()), (now() + interval '1 year')");
        await using (var source = Npgsql.NpgsqlDataSource.Create(second + ";Pooling=false"))
        await using (var command = source.CreateCommand("INSERT INTO events VALUES (now())"))
        {
            await command.ExecuteNonQueryAsync();
        }

        var archived = Path.Combine(_folder.FullName, "archive", "main", "public.events", "events_p2019.csv.gz");
        var since = TimeProvider.System.GetTimestamp();
        while (await server.ExecuteAsync("SELECT to_regclass('events_p2019')::text") is string)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(since) < Instance.Wait, "dropped");
            await Task.Delay(20);
        }

        Assert.True(File.Exists(archived));
    }
}
