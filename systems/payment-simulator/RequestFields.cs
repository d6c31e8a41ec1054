using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace PaymentSimulator;

/// <summary>What a request asks for, form- or JSON-encoded: <c>metadata[order]=7</c> is <c>{"metadata":{"order":"7"}}</c>.</summary>
internal sealed class RequestFields
{
    private const int MostFields = 100;
    private readonly SortedDictionary<string, string> _fields = new(StringComparer.Ordinal);
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    private RequestFields()
    {
    }

    /// <exception cref="RefusedException">It is neither, or is malformed.</exception>
    public static async Task<RequestFields> ReadAsync(HttpRequest request, CancellationToken cancel)
    {
        var fields = new RequestFields();
        try
        {
            if (request.HasFormContentType)
            {
                foreach (var (name, values) in await request.ReadFormAsync(cancel))
                {
                    fields.Add(name, values.ToString());
                }
            }
            else if (request.HasJsonContentType())
            {
                using var json = await JsonDocument.ParseAsync(request.Body, cancellationToken: cancel);
                fields.Flatten("", json.RootElement);
            }
            else if (request.ContentLength is > 0)
            {
                throw new RefusedException(415, new Failure("invalid_request_error", null, $"The body is '{request.ContentType}'; send application/x-www-form-urlencoded or application/json."));
            }
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidDataException)
        {
            throw new RefusedException(400, new Failure("invalid_request_error", null, "The body cannot be read: " + wrong.Message));
        }

        return fields;
    }

    /// <summary>The same for the same request, however it was encoded.</summary>
    public string Fingerprint(string path) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(path + "\n" + string.Join('\n', _fields.Select(field => $"{field.Key.Length}:{field.Key}{field.Value.Length}:{field.Value}")))))[..32];

    public string? Text(string name)
    {
        _asked.Add(name);
        return _fields.GetValueOrDefault(name);
    }

    public string Required(string name) => Text(name) is { Length: > 0 } text ? text : throw Wrong("parameter_missing", $"Missing required param: {name}.");

    /// <summary>A positive number of cents, or null.</summary>
    public long? Amount(string name) => Text(name) is not { } text ? null
        : long.TryParse(text, NumberStyles.None, null, out var amount) && amount is > 0 and <= 99_999_999_999 ? amount
        : throw Wrong("parameter_invalid_integer", $"{name} is '{text}'; it must be a whole number of cents from 1.");

    public IReadOnlyDictionary<string, string> Metadata()
    {
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in _fields)
        {
            if (name.StartsWith("metadata[", StringComparison.Ordinal) && name.EndsWith(']'))
            {
                _asked.Add(name);
                metadata[name[9..^1]] = value;
            }
        }

        return metadata;
    }

    /// <exception cref="RefusedException">There is something that nobody has asked for.</exception>
    public void RequireNothingElse()
    {
        if (_fields.Keys.FirstOrDefault(name => !_asked.Contains(name)) is { } unknown)
        {
            throw Wrong("parameter_unknown", $"Received unknown parameter: {unknown}.");
        }
    }

    public static RefusedException Wrong(string code, string message) => new(400, new Failure("invalid_request_error", code, message));

    private void Add(string name, string value)
    {
        if (_fields.Count == MostFields || !_fields.TryAdd(name, value))
        {
            throw Wrong("parameter_invalid", _fields.Count == MostFields ? $"More than {MostFields} parameters." : $"{name} is given twice.");
        }
    }

    private void Flatten(string name, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Object)
        {
            foreach (var field in value.EnumerateObject())
            {
                Flatten(name.Length == 0 ? field.Name : $"{name}[{field.Name}]", field.Value);
            }
        }
        else if (name.Length == 0 || value.ValueKind == JsonValueKind.Array)
        {
            throw Wrong("parameter_invalid", name.Length == 0 ? "The body must be an object." : $"{name} is a list; none is taken here.");
        }
        else if (value.ValueKind != JsonValueKind.Null)
        {
            Add(name, value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText());
        }
    }
}

/// <summary>A request that is answered with a failure, and changes nothing.</summary>
internal sealed class RefusedException(int status, Failure failure) : Exception(failure.Message)
{
    public int Status { get; } = status;

    public Failure Failure { get; } = failure;
}
