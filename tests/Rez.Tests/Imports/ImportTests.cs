using System.Net;
using System.Text.Json;
using Rez.Imports;
using Rez.Imports.Files;
using Commons.OpenApi;
using Rez.OpenApi;

namespace Rez.Tests.Imports;

[Collection(nameof(Warehouse))]
public sealed class ImportTests(Warehouse warehouse)
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_file_creates_changes_and_leaves_alone(int database)
    {
        var merchant = warehouse.Merchant(database, 0);
        var first = await warehouse.ImportAsync(merchant, Warehouse.Csv(Enumerable.Range(1, 1_203)));
        Assert.Equal(("completed", 1_203, 1_203, 1_203, 0, 0, 0), (first.State, first.Rows, first.Done, first.Created, first.Updated, first.Unchanged, first.Rejected));
        Assert.Equal(Enumerable.Range(1, 1_203).Select(n => $"sku-{n}").Order(StringComparer.Ordinal), (await warehouse.CatalogueAsync(merchant)).Keys.Order(StringComparer.Ordinal));

        // A part of the fields, in the other format.
        var second = await warehouse.ImportAsync(
            merchant, """{"sku":"sku-7","price":77.70}""" + "\n" + """{"sku":"sku-8","price":9.01}""" + "\n\n" + """{"sku":"sku-9","isActive":false,"description":""}""", "application/x-ndjson");
        Assert.Equal(("completed", 0, 2, 1, 0), (second.State, second.Created, second.Updated, second.Unchanged, second.Rejected));
        var now = await warehouse.CatalogueAsync(merchant);
        Assert.Equal((7770, 2), (now["sku-7"].Cents, now["sku-7"].Version));
        Assert.Equal((901, 1), (now["sku-8"].Cents, now["sku-8"].Version));
        Assert.Equal(0, await warehouse.WrongCountersAsync());
        Assert.Equal(0, await warehouse.CountAsync("SELECT count(*) FROM import_rows"));
        Assert.Equal(0, await warehouse.CountAsync("SELECT count(*) FROM merchant_products WHERE published < version"));

        // As customers see it: the page, a search for a new word, the list of the merchant.
        var id = (long)(await warehouse.ScalarAsync(0, $"SELECT id FROM products WHERE merchant_id = {merchant} AND name LIKE '% 7, v1'"))!;
        var shown = await GetAsync(RezJson.Default.ItemProduct, $"/api/products/{id}");
        Assert.Equal(("Imported haaova 7, v1", 77.7m, "Brand 7", merchant, 28), (shown.Data.Name, shown.Data.Price, shown.Data.Brand, shown.Data.MerchantId, shown.Data.Category.Id));
        Assert.Contains(shown.Data, (await GetAsync(RezJson.Default.ListOfProduct, $"/api/products/search?q=haaova&limit={50 + database}")).Data);
        Assert.Equal(HttpStatusCode.NotFound, (await warehouse.Http.GetAsync($"/api/products/{await warehouse.ScalarAsync(0, $"SELECT id FROM products WHERE merchant_id = {merchant} AND name LIKE '% 9, v1'")}")).StatusCode);

        var list = await GetAsync(RezJson.Default.ListOfImports, $"/api/merchants/{merchant}/imports?limit=2");
        Assert.Equal([second.Id, first.Id], list.Data.Select(import => import.Id));
    }

    [Fact]
    public async Task Wrong_lines_are_reported_and_do_not_stop_the_others()
    {
        var merchant = warehouse.Merchant(1, 1);
        var other = warehouse.Dataset.Stores.First(store => store.MerchantId != merchant).Id;
        var own = warehouse.Dataset.Stores.Last(store => store.MerchantId == merchant).Id;
        var import = await warehouse.ImportAsync(
            merchant,
            $"""
            sku,name,brand,price,categoryId,storeId
            w-1,One,B,1,22,
            w-2,Two,B,free,22,
            w-3,"Three
            lines",B,3,22,{own}
            w-4,Four,B,4,9999,
            w-5,Five,B,5,22,{other}
            w-6,Six,,6,22,
            w-1,One again,B,1,22,
            w-7,Seven,B,7
            """);
        Assert.Equal(("completed", 8, 2, 6), (import.State, import.Rows, import.Created, import.Rejected));
        Assert.Equal(
            [
                (3, "price: is 'free'; it must be a number such as 12.50"), (6, "categoryId: there is no category 9999"), (7, $"storeId: store {other} is not one of this merchant's"),
                (8, "is a new product, and lacks brand"), (9, "sku: is in this file before; each product may be in it once"), (10, "has 4 fields; the header has 6"),
            ],
            import.Errors!.Select(error => (error.Line, error.Message)));
        Assert.Equal(["w-1", "w-3"], (await warehouse.CatalogueAsync(merchant, "w-%")).Keys.Order(StringComparer.Ordinal));
        Assert.Equal(own, await warehouse.ScalarAsync(0, $"SELECT store_id FROM products WHERE merchant_id = {merchant} AND name LIKE 'Three%'"));
    }

    [Fact]
    public async Task Errors_are_kept_up_to_a_number_and_counted_beyond_it()
    {
        var merchant = warehouse.Merchant(0, 1);
        var import = await warehouse.ImportAsync(merchant, "sku,name,brand,price,categoryId\ne-0,Right,B,1,22\n" + string.Concat(Enumerable.Range(1, 900).Select(n => $"e-{n},N,B,{(n % 3 == 0 ? "x" : "1")},{(n % 2 == 0 ? 22 : 9999)}\n")));
        Assert.Equal(("completed", 901, 301, 600), (import.State, import.Rows, import.Created, import.Rejected));
        Assert.Equal(ImportReader.MostErrors, import.Errors!.Length);
    }

    [Fact]
    public async Task An_import_of_which_nothing_is_right_fails()
    {
        var merchant = warehouse.Merchant(0, 2);
        var import = await warehouse.ImportAsync(merchant, "sku,price\nnone-1,5\nnone-2,6\n");
        Assert.Equal(("failed", 2, "no line of the file is right"), (import.State, import.Rejected, import.Problem));
        Assert.Equal("is a new product, and lacks name, brand, categoryId", import.Errors![0].Message);
    }

    [Fact]
    public async Task Files_that_cannot_be_read_are_refused_and_leave_nothing()
    {
        var merchant = warehouse.Merchant(0, 3);
        foreach (var (file, problem) in new[]
        {
            ("", "it has no products"), ("sku,name\n", "it has no products"), ("sku,colour\n1,red\n", "'colour' is not a column"), ("sku,price\n1,x\n2,y\n", "none of its 2 lines is right; line 2: price: is 'x'"),
            (Warehouse.Csv(Enumerable.Range(1, 2_500)) + "sku-x,\"open", "does not end"),
        })
        {
            using var response = await warehouse.SendAsync(merchant, Guid.NewGuid().ToString(), file);
            var body = await response.Content.ReadAsStringAsync();
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
            Assert.Contains(problem, body, StringComparison.Ordinal);
        }

        Assert.Empty((await GetAsync(RezJson.Default.ListOfImports, $"/api/merchants/{merchant}/imports")).Data);
        Assert.Equal(0, await warehouse.CountAsync($"SELECT count(*) FROM imports WHERE merchant_id = {merchant}"));
        Assert.Empty(await warehouse.CatalogueAsync(merchant));
    }

    [Theory]
    [InlineData("text/plain", null, 415)]
    [InlineData("text/csv", "gzip", 415)]
    [InlineData("text/csv", "identity", 202)]
    public async Task What_is_neither_of_the_formats_is_refused(string type, string? encoding, int status)
    {
        using var content = new StringContent("sku,name,brand,price,categoryId\nf-1,F,B,1,22\n");
        if (encoding is not null)
        {
            content.Headers.ContentEncoding.Add(encoding);
        }

        using var response = await warehouse.SendAsync(warehouse.Merchant(0, 4), Guid.NewGuid().ToString(), content, type);
        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task A_merchant_that_is_not_there_and_a_key_that_is_none_are_refused()
    {
        foreach (var (merchant, key, status) in new[] { (999_999, "k", 404), (1, null, 400), (1, "two words", 400), (1, new string('k', 201), 400) })
        {
            using var response = await warehouse.SendAsync(merchant, key, "sku,price\n1,1\n");
            Assert.Equal(status, (int)response.StatusCode);
        }

        Assert.Equal(HttpStatusCode.NotFound, (await warehouse.Http.GetAsync("/api/imports/1")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await warehouse.Http.GetAsync($"/api/imports/{long.MaxValue}/events")).StatusCode);
    }

    [Fact]
    public async Task The_same_key_is_the_same_import_and_with_another_file_it_is_refused()
    {
        var merchant = warehouse.Merchant(1, 2);
        var file = Warehouse.Csv(Enumerable.Range(1, 30));
        var first = await warehouse.ReceivedAsync(merchant, file, "monday");
        Assert.Equal(first.Id, (await warehouse.ReceivedAsync(merchant, file, "monday")).Id);
        await warehouse.EndedAsync(first.Id);
        var again = await warehouse.ReceivedAsync(merchant, file, "monday");
        Assert.Equal((first.Id, "completed"), (again.Id, again.State));

        foreach (var (other, type) in new[] { (file.Replace("v1", "v2", StringComparison.Ordinal), "text/csv"), (file + "\n", "text/csv"), (file, "application/x-ndjson") })
        {
            using var response = await warehouse.SendAsync(merchant, "monday", other, type);
            Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        }

        Assert.NotEqual(first.Id, (await warehouse.ReceivedAsync(warehouse.Merchant(1, 3), file, "monday")).Id); // keys are the merchant's own
        Assert.All((await warehouse.CatalogueAsync(merchant)).Values, product => Assert.Equal(1, product.Version));
    }

    [Fact]
    public async Task A_client_that_leaves_half_way_leaves_nothing_and_its_key_is_free_again()
    {
        var merchant = warehouse.Merchant(1, 4);
        using (var leave = new CancellationTokenSource())
        using (var body = new SlowContent(Warehouse.Csv(Enumerable.Range(1, 3_000))))
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/merchants/{merchant}/import") { Content = body };
            body.Headers.ContentType = new("text/csv");
            request.Headers.Add("Idempotency-Key", "tuesday");
            var sending = warehouse.Http.SendAsync(request, leave.Token);
            await UntilAsync("lines are staged", async () => await warehouse.CountAsync($"SELECT count(*) FROM import_rows r JOIN imports i ON i.bucket_id = r.bucket_id AND i.id = r.import_id WHERE merchant_id = {merchant}") > 0);

            // Meanwhile the same key meets the upload.
            using var meets = await warehouse.SendAsync(merchant, "tuesday", "sku,price\n1,1\n");
            Assert.Equal(HttpStatusCode.Conflict, meets.StatusCode);
            Assert.NotNull(meets.Headers.RetryAfter);
            await leave.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        }

        await UntilAsync("nothing is left", async () => await warehouse.CountAsync($"SELECT count(*) FROM imports WHERE merchant_id = {merchant}") + await warehouse.CountAsync("SELECT count(*) FROM import_rows WHERE NOT EXISTS (SELECT FROM imports i WHERE i.id = import_id)") == 0);
        Assert.Equal(12, (await warehouse.EndedAsync((await warehouse.ReceivedAsync(merchant, Warehouse.Csv(Enumerable.Range(1, 12)), "tuesday")).Id)).Created);
    }

    [Fact]
    public async Task An_upload_whose_instance_died_is_cleared_away()
    {
        var merchant = warehouse.Merchant(0, 5);
        var uploads = warehouse.Service<ImportUploads>();
        var id = (await uploads.BeginAsync(merchant, "wednesday", "csv", new Tenfold.Postgres.Caller(), default)).Import!.Number;
        var batch = new ImportBatch();
        batch.Add(2, new ImportedProduct { Sku = "d-1" });
        batch.Errors.Add(new LineError(3, "wrong"));
        batch.Wrong = 1;
        Assert.True(await uploads.StageAsync(id, batch, default));

        await Cleaner.CleanAsync(TimeSpan.Zero, TimeSpan.FromDays(1), default);
        Assert.Equal(0, await warehouse.CountAsync($"SELECT (SELECT count(*) FROM imports WHERE id = {id}) + (SELECT count(*) FROM import_rows WHERE import_id = {id}) + (SELECT count(*) FROM import_errors WHERE import_id = {id})"));
        Assert.False(await uploads.StageAsync(id, batch, default)); // it was not dead after all: it is told so
    }

    [Fact]
    public async Task An_import_whose_job_is_gone_fails_in_the_end()
    {
        var merchant = warehouse.Merchant(1, 9);
        var uploads = warehouse.Service<ImportUploads>();
        var id = (await uploads.BeginAsync(merchant, "friday", "csv", new Tenfold.Postgres.Caller(), default)).Import!.Number;
        var batch = new ImportBatch();
        batch.Add(2, new ImportedProduct { Sku = "l-1" });
        await uploads.StageAsync(id, batch, default);
        await uploads.ReceiveAsync(id, 1, [1], (_, _) => Task.FromResult(0L), new Tenfold.Postgres.Caller(), default);
        await Cleaner.CleanAsync(TimeSpan.FromDays(1), TimeSpan.Zero, default);
        var import = await warehouse.FindAsync(id.ToString());
        Assert.Equal(("failed", "its job was given up; what was imported until then stays"), (import.State, import.Problem));
        Assert.Equal(0, await warehouse.CountAsync($"SELECT count(*) FROM import_rows WHERE import_id = {id}"));
    }

    [Fact]
    public async Task Where_the_job_cannot_be_enqueued_the_import_is_not_received()
    {
        var merchant = warehouse.Merchant(1, 5);
        var uploads = warehouse.Service<ImportUploads>();
        var caller = new Tenfold.Postgres.Caller();
        var id = (await uploads.BeginAsync(merchant, "thursday", "csv", caller, default)).Import!.Number;
        var before = await warehouse.CountAsync($"SELECT count(*) FROM tenfold.jobs WHERE payload->>'import' = '{id}' OR payload->>'Import' = '{id}'");
        await Assert.ThrowsAsync<InvalidOperationException>(() => uploads.ReceiveAsync(
            id,
            1,
            [1],
            async (connection, cancel) =>
            {
                await warehouse.Service<Tenfold.Jobs.JobClient>().EnqueueAsync(connection, new ImportJob(id.Value), null, cancel);
                throw new InvalidOperationException("the process is not well");
            },
            caller,
            default));
        Assert.Equal("uploading", (await warehouse.FindAsync(id.ToString())).State);
        Assert.Equal(before, await warehouse.CountAsync($"SELECT count(*) FROM tenfold.jobs WHERE payload->>'import' = '{id}' OR payload->>'Import' = '{id}'"));
        await uploads.RemoveAsync(id, default);
    }

    [Fact]
    public async Task Of_two_imports_of_a_merchant_the_later_one_is_applied_later()
    {
        var merchant = warehouse.Merchant(1, 6);
        var imports = new List<Import>();
        for (var version = 1; version <= 3; version++)
        {
            imports.Add(await warehouse.ReceivedAsync(merchant, Warehouse.Csv(Enumerable.Range(1, 700), version)));
        }

        foreach (var import in imports)
        {
            Assert.Equal(("completed", 0), ((await warehouse.EndedAsync(import.Id)).State, import.Rejected));
        }

        Assert.Equal(Enumerable.Repeat((true, 3), 700), (await warehouse.CatalogueAsync(merchant)).Values.Select(product => (product.Name.EndsWith("v3", StringComparison.Ordinal), product.Version)));
    }

    [Fact]
    public async Task An_import_goes_on_where_its_merchant_is_moved_to()
    {
        var merchant = warehouse.Merchant(1, 7);
        Import import;
        Task<int> moving;
        var moves = await warehouse.CountMovesAsync();
        await using (var gate = await warehouse.GateAsync(merchant))
        {
            await gate.CloseAsync();
            import = await warehouse.ReceivedAsync(merchant, Warehouse.Csv(Enumerable.Range(1, 4_000)));
            await UntilAsync("it runs", async () => (await warehouse.FindAsync(import.Id)).State == "running");
            moving = warehouse.MoveAsync(merchant);
            await UntilAsync("the move has begun", async () => moving.IsCompleted || await warehouse.CountMovesAsync() > moves);
        }

        Assert.Equal(0, await moving);
        var ended = await warehouse.EndedAsync(import.Id);
        Assert.Equal(("completed", 4_000, 4_000), (ended.State, ended.Created, (await warehouse.CatalogueAsync(merchant)).Count));
        Assert.Equal(0L, await warehouse.ScalarAsync(1, $"SELECT count(*) FROM imports WHERE merchant_id = {merchant}"));
        Assert.Equal(0, await warehouse.CountAsync("SELECT count(*) FROM import_rows"));
    }

    [Fact]
    public async Task Events_tell_how_far_it_is_and_end_with_it()
    {
        var merchant = warehouse.Merchant(0, 6);
        var import = await warehouse.ReceivedAsync(merchant, Warehouse.Csv(Enumerable.Range(1, 2_000)));
        var reading = EventsAsync(import.Id, null);
        await warehouse.EndedAsync(import.Id);
        var events = await reading.WaitAsync(Shop.Wait);
        Assert.Equal("completed", events[^1].Name);
        Assert.Equal(2_000, events[^1].Import.Created);
        Assert.All(events.SkipLast(1), e => Assert.Equal("progress", e.Name));
        Assert.Equal(events.Select(e => e.Id).Order().Distinct(), events.Select(e => e.Id));

        // Who has seen a part gets the rest, who has seen all is told not to come back.
        Assert.Equal(events[^1], Assert.Single(await EventsAsync(import.Id, events[^1].Id - 1)));
        using var done = await EventsResponseAsync(import.Id, events[^1].Id);
        Assert.Equal(HttpStatusCode.NoContent, done.StatusCode);
    }

    private ImportCleaner Cleaner => warehouse.Service<IEnumerable<Microsoft.Extensions.Hosting.IHostedService>>().OfType<ImportCleaner>().Single();

    internal static async Task UntilAsync(string what, Func<Task<bool>> isTrue)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (!await isTrue())
        {
            Assert.True(clock.Elapsed < Shop.Wait, "waited in vain until " + what);
            await Task.Delay(20);
        }
    }

    private async Task<T> GetAsync<T>(System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, string path) => JsonSerializer.Deserialize(await warehouse.Http.GetStringAsync(path), type)!;

    private async Task<HttpResponseMessage> EventsResponseAsync(string id, long? last)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/imports/{id}/events");
        if (last is not null)
        {
            request.Headers.Add("Last-Event-ID", last.ToString());
        }

        return await warehouse.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    private async Task<List<(long Id, string Name, Import Import)>> EventsAsync(string id, long? last)
    {
        using var response = await EventsResponseAsync(id, last);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        var events = new List<(long, string, Import)>();
        foreach (var block in (await response.Content.ReadAsStringAsync()).Split("\n\n").Where(block => block.StartsWith("id: ", StringComparison.Ordinal)))
        {
            var lines = block.Split('\n').Select(line => line[(line.IndexOf(": ", StringComparison.Ordinal) + 2)..]).ToArray();
            events.Add((long.Parse(lines[0]), lines[1], JsonSerializer.Deserialize(lines[2], RezJson.Default.Import)!));
        }

        return events;
    }

    /// <summary>Sends most of its text, and then nothing more.</summary>
    private sealed class SlowContent(string text) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, default);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(text[..^100]), cancellationToken);
            await stream.FlushAsync(cancellationToken);
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = text.Length;
            return false;
        }
    }
}
