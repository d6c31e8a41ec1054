using Microsoft.AspNetCore.Builder;
using Tenfold.AspNetCore.Sessions;

namespace Tenfold.AspNetCore;

/// <summary>Endpoints with a session.</summary>
public static class SessionEndpointExtensions
{
    /// <summary>
    /// Gives an endpoint (or a group) <see cref="Microsoft.AspNetCore.Http.HttpContext.Session"/>: kept on Redis for
    /// <see cref="TenfoldOptions.SessionLifetime"/> since it was used last, readable by every instance of the system. Load it first:
    /// <c>await context.Session.LoadAsync()</c>.
    /// </summary>
    public static TBuilder WithSession<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder
    {
        endpoint.Add(made => made.Metadata.Add(new SessionMetadata()));
        return endpoint;
    }
}
