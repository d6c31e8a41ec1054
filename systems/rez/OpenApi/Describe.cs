using Rez.Imports;
using Rez.Imports.Files;
using Rez.Products;
using Rez.Search;

namespace Rez.OpenApi;

/// <summary>The description of each route.</summary>
internal static class Describe
{
    private static readonly Parameter Page = new("page", typeof(int), "Page by number, from 1; ends at row 10,000. Not with cursor.");
    private static readonly Parameter Limit = new("limit", typeof(int), "Rows a page, 1 to 100; 20 when not given.");
    private static readonly Parameter Cursor = new("cursor", typeof(string), "pagination.nextCursor of the page before; same sort and filters. A walk meets every row once as long as its sort key stays the same: newest never changes, a price, rating or popularity may, and a row that changes it between two pages can be met twice or not at all.");
    private static readonly Parameter Id = new("id", typeof(long), "The id, from 1.") { InPath = true, Required = true };
    private static readonly Parameter Q = new("q", typeof(string), $"What to search for, 1 to {SearchText.Longest} characters; all words must be found.") { Required = true };

    public static Operation ListProducts { get; } = new(
        "listProducts", "Active products by filter and sort", typeof(ListOf<Product>), Page, Limit, Cursor,
        new Parameter("sort", typeof(string), "newest when not given") { Choices = [.. ProductSorts.ByName.Keys] },
        new Parameter("category", typeof(string), "Slug or id of a department or a category."),
        new Parameter("minPrice", typeof(decimal), "US dollars."),
        new Parameter("maxPrice", typeof(decimal), "US dollars."),
        new Parameter("rating", typeof(decimal), "Least rating, 0 to 5."),
        new Parameter("merchant", typeof(int), "Id of a merchant."),
        new Parameter("store", typeof(int), "Id of a store."));

    public static Operation SearchProducts { get; } = new(
        "searchProducts", "Full-text search; misspelt words are corrected when next to nothing is found", typeof(ListOf<Product>), Q,
        new Parameter("page", typeof(int), $"Page, from 1; a search shows its first {ProductSearch.Most} products."), Limit);

    public static Operation FeaturedProducts { get; } = new(
        "featuredProducts", "Featured products, the most popular first", typeof(ListOf<Product>), Page,
        new Parameter("limit", typeof(int), "1 to 50; 10 when not given."), Cursor);

    public static Operation GetProduct { get; } = new("getProduct", "One product, with its version as ETag", typeof(Item<Product>), Id) { Problems = [404] };

    public static Operation PutProduct { get; } = Change("putProduct", "Replaces what can be changed of a product");

    public static Operation PatchProduct { get; } = Change("patchProduct", "Changes the fields that are given");

    public static Operation ListCategories { get; } = new(
        "listCategories", "Departments and categories by id", typeof(ListOf<Category>), Page,
        new Parameter("limit", typeof(int), "1 to 500; 50 when not given."), Cursor,
        new Parameter("level", typeof(string), "all when not given") { Choices = ["all", "department", "category"] },
        new Parameter("parent", typeof(int), "Id of a department: its categories."));

    public static Operation GetCategory { get; } = new("getCategory", "One category", typeof(Item<Category>), Id) { Problems = [404] };

    public static Operation ListStores { get; } = new(
        "listStores", "Active stores, the most popular first", typeof(ListOf<Store>), Page, Limit, Cursor,
        new Parameter("merchant", typeof(int), "Id of a merchant."));

    public static Operation GetStore { get; } = new("getStore", "One store", typeof(Item<Store>), Id) { Problems = [404] };

    public static Operation ListMerchants { get; } = new("listMerchants", "Merchants by id", typeof(ListOf<Merchant>), Page, Limit, Cursor);

    public static Operation GetMerchant { get; } = new("getMerchant", "One merchant", typeof(Item<Merchant>), Id) { Problems = [404] };

    public static Operation SearchEverything { get; } = new(
        "searchEverything", "Products, stores and categories at once", typeof(FoundEverything), Q,
        new Parameter("limit", typeof(int), "Products, 1 to 50; 10 when not given."));

    public static Operation UploadImport { get; } = new(
        "uploadImport",
        "Creates and updates products from a file of up to 100 MiB and 1,000,000 products: CSV with a header that names the fields, or one JSON object a line. A product is identified by the merchant's own key, sku; a field that is not given stays as it is. Wrong lines are reported and do not stop the others. The answer comes when the file is received; a job applies it.",
        typeof(Item<Import>),
        Id,
        new Parameter("Idempotency-Key", typeof(string), "1 to 200 visible ASCII characters, new ones for each file. The same key with the same file answers with the same import, with another file 422.") { InHeader = true, Required = true })
    { Body = typeof(ImportedProduct), BodyTypes = ["text/csv", "application/x-ndjson"], Status = 202, Problems = [404, 408, 409, 413, 415, 422, 429] };

    public static Operation ListImports { get; } = new(
        "listImports", "A merchant's imports, the newest first", typeof(ListOfImports), Id, new Parameter("limit", typeof(int), $"1 to {ImportTable.Kept}; 20 when not given. So many are kept."));

    public static Operation GetImport { get; } = new("getImport", "How far an import is, and its first wrong lines", typeof(Item<Import>), Id) { Problems = [404] };

    public static Operation ImportEvents { get; } = new(
        "importEvents", "Server-sent events about how far an import is: progress, and at the end completed or failed; each one holds the whole import", typeof(string), Id,
        new Parameter("Last-Event-ID", typeof(string), "The last event that was seen.") { InHeader = true })
    { AnswerType = "text/event-stream", Problems = [404] };

    private static Operation Change(string id, string summary) =>
        new(id, summary + "; If-Match makes it conditional on the version", typeof(Item<Product>), Id) { Body = typeof(ProductChange), Problems = [404, 412, 413, 415] };
}
