using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Tenfold.AspNetCore.Stores;

namespace Tenfold.AspNetCore.Tests.Stores;

public sealed class PostgresStoresTests
{
    [Fact]
    public void What_the_string_does_not_say_has_the_kit_s_defaults()
    {
        var full = PostgresStores.WithDefaults("Host=x;Maximum Pool Size=50", new TenfoldOptions { StatementTimeout = TimeSpan.FromSeconds(2), ConnectionWait = TimeSpan.FromSeconds(4) });
        Assert.Equal((4, 3, 128, true, 50), (full.Timeout, full.CommandTimeout, full.MaxAutoPrepare, full.NoResetOnClose, full.MaxPoolSize));
        Assert.Equal("-c statement_timeout=2000", full.Options);
    }

    [Fact]
    public void What_the_string_says_stays()
    {
        var full = PostgresStores.WithDefaults("Host=x;Timeout=9;Command Timeout=8;Max Auto Prepare=0;No Reset On Close=false;Options=-c statement_timeout=7 -c jit=on", new TenfoldOptions());
        Assert.Equal((9, 8, 0, false, "-c statement_timeout=7 -c jit=on"), (full.Timeout, full.CommandTimeout, full.MaxAutoPrepare, full.NoResetOnClose, full.Options));
    }

    [Fact]
    public async Task Each_PostgreSQL_is_a_data_source_by_name_and_main_is_the_plain_one()
    {
        await using var instance = await Instance.StartAsync(null, null,
            "--ConnectionStrings:main=Host=/a;Database=one", "--ConnectionStrings:archive=Host=/b;Database=two", "--ConnectionStrings:cache=redis://127.0.0.1:1");
        var services = instance.App.Services;
        Assert.Same(services.GetRequiredKeyedService<NpgsqlDataSource>("main"), services.GetRequiredService<NpgsqlDataSource>());
        Assert.Contains("Database=two", services.GetRequiredKeyedService<NpgsqlDataSource>("archive").ConnectionString, StringComparison.Ordinal);
        Assert.Null(services.GetKeyedService<NpgsqlDataSource>("cache"));
    }
}
