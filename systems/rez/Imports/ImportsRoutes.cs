using Commons.Accounts;
using Commons.Http;
using Commons.OpenApi;
using Rez.Imports.Files;
using static Commons.OpenApi.CommonParameters;

namespace Rez.Imports;

/// <summary>Products by file.</summary>
internal static class ImportsRoutes
{
    private static readonly Operation UploadImportOperation = new(
        "uploadImport",
        "Creates and updates products from a file of up to 100 MiB and 1,000,000 products: CSV with a header that names the fields, or one JSON object a line. A product is identified by the merchant's own key, sku; a field that is not given stays as it is. Wrong lines are reported and do not stop the others. The answer comes when the file is received; a job applies it.",
        typeof(Item<Import>),
        Id,
        new Parameter("Idempotency-Key", typeof(string), "1 to 200 visible ASCII characters, new ones for each file. The same key with the same file answers with the same import, with another file 422.") { InHeader = true, Required = true })
    { Body = typeof(ImportedProduct), BodyTypes = ["text/csv", "application/x-ndjson"], Status = 202, Access = Access.Staff, Problems = [404, 408, 409, 413, 415, 422, 429] };

    private static readonly Operation ListImportsOperation = new(
        "listImports", "A merchant's imports, the newest first", typeof(ListOfImports), Id, new Parameter("limit", typeof(int), $"1 to {ImportTable.Kept}; 20 when not given. So many are kept.")) { Access = Access.Staff, Problems = [404] };

    private static readonly Operation GetImportOperation = new("getImport", "How far an import is, and its first wrong lines", typeof(Item<Import>), Id) { Access = Access.Staff, Problems = [404] };

    private static readonly Operation ImportEventsOperation = new(
        "importEvents", "Server-sent events about how far an import is: progress, and at the end completed or failed; each one holds the whole import", typeof(string), Id,
        new Parameter("Last-Event-ID", typeof(string), "The last event that was seen.") { InHeader = true })
    { Access = Access.Staff, AnswerType = "text/event-stream", Problems = [404] };

    public static void AddImports(this IServiceCollection services)
    {
        services.AddSingleton<ImportTable>();
        services.AddSingleton<ImportUploads>();
        services.AddSingleton<ImportChunks>();
        services.AddHostedService<ImportCleaner>();
        services.AddSingleton<UploadImport>();
        services.AddSingleton<GetImport>();
        services.AddSingleton<ListImports>();
        services.AddSingleton<ImportEvents>();
    }

    public static void MapImports(this RouteTable routes)
    {
        routes.Map("POST", "/api/merchants/{id}/import", routes.Of<UploadImport>().HandleAsync, UploadImportOperation);
        routes.Map("GET", "/api/merchants/{id}/imports", routes.Of<ListImports>().HandleAsync, ListImportsOperation);
        routes.Map("GET", "/api/imports/{id}", routes.Of<GetImport>().HandleAsync, GetImportOperation);
        routes.Map("GET", "/api/imports/{id}/events", routes.Of<ImportEvents>().HandleAsync, ImportEventsOperation);
    }
}
