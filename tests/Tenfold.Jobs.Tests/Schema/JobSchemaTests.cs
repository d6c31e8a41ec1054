using Tenfold.Jobs.Schema;
using Tenfold.Jobs.Tests.Support;

namespace Tenfold.Jobs.Tests.Schema;

public sealed class JobSchemaTests(JobServer server)
{
    [Fact]
    public async Task Tables_are_made_once_by_whoever_comes_first()
    {
        await using var database = await server.DatabaseAsync(number: null);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            await using var connection = await database.Source.OpenConnectionAsync();
            await JobSchema.EnsureAsync(connection, 7, default);
        }));

        Assert.Equal(1L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.job_schema"));
    }

    [Fact]
    public async Task An_id_ends_with_the_number_of_its_database()
    {
        await using var database = await server.DatabaseAsync(number: 7);

        Assert.Equal(1007L, await database.ExecuteAsync("SELECT nextval('tenfold.job_ids')"));
        Assert.Equal(2007L, await database.ExecuteAsync("SELECT nextval('tenfold.job_ids')"));
    }
}
