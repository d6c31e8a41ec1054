using System.Text.Json.Nodes;
using Commons.Accounts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using Tenfold.AspNetCore.Errors;

namespace Commons.OpenApi;

/// <summary>Describes request delegates, which ASP.NET Core cannot look into, in the document at /openapi/v1.json.</summary>
public static class OpenApiExtensions
{
    /// <param name="services">The app's.</param>
    /// <param name="title">Name of the API.</param>
    /// <param name="description">What it is, in a sentence.</param>
    public static void AddOpenApiDocument(this IServiceCollection services, string title, string description) => services.AddOpenApi(options => options
        .AddSchemaTransformer((schema, context, _) =>
        {
            // The generator says so of values only.
            if (context.JsonPropertyInfo is { IsGetNullable: true } && schema.Type is { } type)
            {
                schema.Type = type | JsonSchemaType.Null;
            }

            return Task.CompletedTask;
        })
        .AddDocumentTransformer((document, _, _) =>
        {
            document.Info.Title = title;
            document.Info.Description = description + " Errors are application/problem+json (RFC 9457).";
            document.Servers?.Clear();
            return Task.CompletedTask;
        }));

    public static void Describe(this IEndpointConventionBuilder endpoint, RequestDelegate handler, string tag, Operation operation) =>
        // The method is what makes the API explorer list an endpoint.
        endpoint.WithMetadata(handler.Method).WithTags(tag).AddOpenApiOperationTransformer((document, context, cancel) => FillAsync(document, operation, context, cancel));

    private static async Task FillAsync(OpenApiOperation to, Operation operation, OpenApiOperationTransformerContext context, CancellationToken cancel)
    {
        to.OperationId = operation.Id;
        to.Summary = operation.Summary;
        to.Parameters = [];
        foreach (var parameter in operation.Parameters)
        {
            var schema = await context.GetOrCreateSchemaAsync(parameter.Type, cancellationToken: cancel);
            if (parameter.Choices is not null)
            {
                schema.Enum = [.. parameter.Choices.Select(choice => (JsonNode)choice)];
            }

            to.Parameters.Add(new OpenApiParameter
            {
                Name = parameter.Name,
                In = parameter.InPath ? ParameterLocation.Path : parameter.InHeader ? ParameterLocation.Header : ParameterLocation.Query,
                Required = parameter.Required,
                Description = parameter.Description,
                Schema = schema,
            });
        }

        if (operation.Body is not null)
        {
            var content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal);
            foreach (var type in operation.BodyTypes)
            {
                content[type] = new OpenApiMediaType { Schema = await context.GetOrCreateSchemaAsync(operation.Body, cancellationToken: cancel) };
            }

            to.RequestBody = new OpenApiRequestBody { Required = true, Content = content };
        }

        to.Responses = [];
        foreach (var status in operation.AlsoStatuses.Append(operation.Status).Order())
        {
            to.Responses[status.ToString()] = new OpenApiResponse { Description = Phrase(status), Content = operation.Answer == typeof(void) ? null : await ContentAsync(operation.AnswerType, operation.Answer, context, cancel) };
        }

        foreach (var status in operation.Problems.Concat(operation.Access == Access.Anyone ? [400, 503] : [400, 401, 403, 503]).Distinct().Order())
        {
            to.Responses[status.ToString()] = new OpenApiResponse
            {
                Description = Phrase(status),
                Content = await ContentAsync(Problem.ContentType, typeof(ProblemDocument), context, cancel),
            };
        }
    }

    private static string Phrase(int status) => Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(status);

    private static async Task<Dictionary<string, OpenApiMediaType>> ContentAsync(string type, Type shape, OpenApiOperationTransformerContext context, CancellationToken cancel) =>
        new(StringComparer.Ordinal) { [type] = new OpenApiMediaType { Schema = await context.GetOrCreateSchemaAsync(shape, cancellationToken: cancel) } };
}
