using Tenfold.Jobs.Ending;
using Tenfold.Jobs.Tests.Support;

namespace Tenfold.Jobs.Tests.Ending;

public sealed class JobErrorTests(JobServer server)
{
    [Fact]
    public async Task Of_many_errors_the_first_and_the_newest_nineteen_are_kept()
    {
        await using var database = await server.DatabaseAsync(number: null);
        await database.ExecuteAsync("CREATE TABLE one (errors jsonb); INSERT INTO one VALUES (NULL)");
        for (var run = 1; run <= 25; run++)
        {
            await database.ExecuteAsync($"UPDATE one SET errors = {JobError.Append("errors", $"'{JobError.Of(run, "w", "no")}'::jsonb")}");
        }

        await database.ExecuteAsync($"UPDATE one SET errors = {JobError.Append("errors", "NULL::jsonb")}"); // nothing went wrong this time
        Assert.Equal(string.Join(',', [1, .. Enumerable.Range(7, 19)]), await database.ExecuteAsync("SELECT string_agg(e ->> 'run', ',' ORDER BY i) FROM one, jsonb_array_elements(errors) WITH ORDINALITY AS errors_of (e, i)"));
        Assert.Equal(true, await database.ExecuteAsync("SELECT bool_and((e ->> 'at')::timestamptz <= clock_timestamp()) FROM one, jsonb_array_elements(errors) AS e"));
    }

    [Fact]
    public void Text_that_jsonb_would_refuse_or_that_is_too_long_is_made_fit()
    {
        var error = JobError.Of(1, "w", "a\0b\ud800" + new string('x', 5000), new string('y', 50_000));
        Assert.DoesNotContain("\\u0000", error, StringComparison.Ordinal);
        Assert.DoesNotContain("\\uD800", error, StringComparison.OrdinalIgnoreCase);
        Assert.InRange(error.Length, 9000, 10_000);
    }
}
