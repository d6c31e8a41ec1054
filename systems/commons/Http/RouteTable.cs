using Commons.OpenApi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Commons.Http;

/// <summary>Maps an API's operations. Handlers are plain request delegates: nothing between Kestrel and them but who may call them.</summary>
public sealed class RouteTable(IEndpointRouteBuilder app)
{
    /// <summary>A service of the app.</summary>
    public T Of<T>()
        where T : notnull => app.ServiceProvider.GetRequiredService<T>();

    /// <summary>An operation under <c>/api/TAG/…</c> or <c>/TAG/…</c>, with its description and its <see cref="Operation.Access"/>.</summary>
    public IEndpointConventionBuilder Map(string method, string path, RequestDelegate handler, Operation operation)
    {
        var endpoint = app.MapMethods(path, [method], handler).WithMetadata(operation);
        endpoint.Describe(handler, path.Split('/') is [_, "api", var tag, ..] ? tag : path.Split('/')[1], operation);
        return endpoint;
    }
}
