using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Tenfold.AspNetCore.Stores;
using Tenfold.Guide;
using Tenfold.Postgres;

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
        Assert.Same(services.GetRequiredKeyedService<PostgresStore>("main"), services.GetRequiredService<PostgresStore>());
        Assert.Equal("archive", services.GetRequiredKeyedService<PostgresStore>("archive").Name);
        Assert.Null(services.GetKeyedService<PostgresStore>("cache"));
    }

    [Fact]
    public async Task A_store_with_replicas_has_no_single_data_source_and_says_what_to_take()
    {
        await using var instance = await Instance.StartAsync(null, null, "--ConnectionStrings:main=Host=/a:1,/b:2;Database=one");
        Assert.Contains("take a PostgresStore", Assert.Throws<InvalidOperationException>(() => instance.App.Services.GetRequiredService<NpgsqlDataSource>()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_guide_s_pool_counts_where_the_string_says_nothing()
    {
        var pool = new Pool { Min = 3, Max = 9, Idle = TimeSpan.FromSeconds(4), Lifetime = TimeSpan.FromHours(1), Wait = TimeSpan.FromSeconds(2) };
        var full = PostgresStores.WithDefaults("Host=x;Maximum Pool Size=50", new TenfoldOptions(), pool);
        Assert.Equal((3, 50, 4, 3600, 2), (full.MinPoolSize, full.MaxPoolSize, full.ConnectionIdleLifetime, full.ConnectionLifetime, full.Timeout));
        Assert.True(full.ConnectionPruningInterval <= full.ConnectionIdleLifetime);
    }
}
