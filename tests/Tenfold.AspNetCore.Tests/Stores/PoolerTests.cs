using Microsoft.Extensions.DependencyInjection;
using Tenfold.AspNetCore.Stores;
using Tenfold.Postgres;

namespace Tenfold.AspNetCore.Tests.Stores;

public sealed class PoolerTests
{
    [Fact]
    public void Behind_a_pooler_nothing_is_asked_of_a_session()
    {
        var full = PostgresStores.WithDefaults("Host=x;Max Auto Prepare=5", new TenfoldOptions(), isPooled: true);
        Assert.Equal((0, "", true), (full.MaxAutoPrepare, full.Options ?? "", full.NoResetOnClose));
    }

    [Fact]
    public async Task A_store_is_behind_a_pooler_when_the_configuration_says_so()
    {
        await using var instance = await Instance.StartAsync(null, null,
            "--ConnectionStrings:main=Host=/a;Database=one", "--ConnectionStrings:main_1=Host=/b;Database=one", "--Tenfold:Pooler:main:ReaderDatabase=one_ro");
        foreach (var name in (string[])["main", "main_1"])
        {
            Assert.Contains("Database=one_ro", instance.App.Services.GetRequiredKeyedService<PostgresStore>(name).Reader().ConnectionString, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Without_a_database_for_readers_it_is_refused() => Assert.Contains(
        "needs ReaderDatabase",
        (await Assert.ThrowsAsync<InvalidOperationException>(() => Instance.StartAsync(null, null, "--ConnectionStrings:main=Host=/a", "--Tenfold:Pooler:main:Direct=Host=/b"))).Message,
        StringComparison.Ordinal);
}
