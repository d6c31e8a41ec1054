// The limit that nothing in the app can pass: Kestrel, and bytes that are there already.
var builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.ClearProviders();
var app = builder.Build();
var body = new Lazy<byte[]>(() => File.ReadAllBytes(Environment.GetEnvironmentVariable("BENCH_BODY")!));
app.MapGet("/health", () => "ok");
app.MapGet("/api/products", context =>
{
    var bytes = body.Value;
    context.Response.ContentType = "application/json; charset=utf-8";
    context.Response.ContentLength = bytes.Length;
    return context.Response.Body.WriteAsync(bytes).AsTask();
});
await app.RunAsync();
