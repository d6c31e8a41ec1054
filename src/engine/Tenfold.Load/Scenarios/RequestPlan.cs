using System.Text;
using Tenfold.Guide;

namespace Tenfold.Load.Scenarios;

/// <summary>
/// A request step made ready: bytes where it is the same every time, templates where it is not. Immutable; thread-safe.
/// </summary>
internal sealed class RequestPlan : StepPlan
{
    private static readonly HashSet<string> Own = new(StringComparer.OrdinalIgnoreCase) { "connection", "content-length", "transfer-encoding", "expect", "upgrade", "te" };

    private readonly RouteTable _routes;
    private readonly int _ownRoute;
    private readonly Template _path;
    private readonly byte[] _start; // "GET /base"
    private readonly List<(byte[] Name, Template Value)> _headers = [];
    private readonly BodyTemplate? _body;
    private readonly bool _lengthOnly; // POST and the like without a body say Content-Length: 0

    /// <param name="step">The step.</param>
    /// <param name="target">Where requests go: gives <c>Host</c> and the path before the step's.</param>
    /// <param name="names">What earlier steps have captured, and tables; what this step captures is added.</param>
    /// <param name="routes">The test's routes; this step's is added.</param>
    /// <param name="where">For messages: which step.</param>
    /// <exception cref="LoadException">The step is wrong.</exception>
    public RequestPlan(RequestStep step, Uri target, ScenarioNames names, RouteTable routes, string where)
    {
        Method = step.Method.ToUpperInvariant();
        if (Method is not ("GET" or "POST" or "PUT" or "PATCH" or "DELETE"))
        {
            throw new LoadException(LoadFault.Usage, $"{where}: the method '{step.Method}' is not one of get, post, put, patch, delete");
        }

        if (!step.Path.StartsWith('/'))
        {
            throw new LoadException(LoadFault.Usage, $"{where}: the path '{step.Path}' does not begin with '/'; requests go to the test's target only");
        }

        _routes = routes;
        _ownRoute = routes.Add(Method, step.Path);
        _start = Encoding.ASCII.GetBytes($"{Method} {target.AbsolutePath.TrimEnd('/')}");
        _path = Template.Parse(step.Path, TemplatePlace.Path, names, where);
        AddHeaders(step, target, names, where);
        _body = step.Json is null ? null : new BodyTemplate(step.Json, names, where);
        _lengthOnly = _body is null && Method is "POST" or "PUT" or "PATCH";
        Expect = step.Expect;
        Captures = ParseCaptures(step.Capture, names, where);
        MayRepeat = Method is "GET" or "PUT" or "DELETE";

        if (_path.IsLiteral && _headers.All(h => h.Value.IsLiteral) && (_body is null || _body.IsLiteral))
        {
            var (bytes, body) = (new ByteBuffer(), new ByteBuffer());
            TryRender(new TemplateValues(0), bytes, body, out var route);
            Ready = bytes.Span.ToArray();
            ReadyRoute = route;
        }
    }

    public string Method { get; }

    /// <summary>The request's bytes when they are the same every time.</summary>
    public byte[]? Ready { get; }

    /// <summary>The route of <see cref="Ready"/>.</summary>
    public int ReadyRoute { get; }

    /// <summary>The status that counts as success; null is any below 400.</summary>
    public int? Expect { get; }

    public IReadOnlyList<Capture> Captures { get; }

    /// <summary>Whether it may be sent once more when a kept connection turns out to be closed (RFC 9110 section 9.2.2).</summary>
    public bool MayRepeat { get; }

    /// <summary>Writes the request of this iteration.</summary>
    /// <returns>False when a value that it needs is missing.</returns>
    public bool TryRender(TemplateValues values, ByteBuffer target, ByteBuffer scratch, out int route)
    {
        target.Clear();
        target.Add(_start);
        var from = target.Length;
        if (!_path.TryRender(target, values))
        {
            route = _ownRoute;
            return false;
        }

        route = RouteOf(target.Span[from..]);
        target.Add(" HTTP/1.1\r\n"u8);
        foreach (var (name, value) in _headers)
        {
            target.Add(name);
            target.Add(": "u8);
            if (!value.TryRender(target, values))
            {
                return false;
            }

            target.Add("\r\n"u8);
        }

        scratch.Clear();
        if (_body is not null && !_body.TryRender(scratch, values))
        {
            return false;
        }

        if (_body is not null || _lengthOnly)
        {
            target.Add("Content-Length: "u8);
            target.Add(scratch.Length);
            target.Add("\r\n"u8);
        }

        target.Add("\r\n"u8);
        target.Add(scratch.Span);
        return true;
    }

    private static List<Capture> ParseCaptures(IReadOnlyDictionary<string, string> captures, ScenarioNames names, string where)
    {
        var parsed = new List<Capture>();
        foreach (var (name, text) in captures)
        {
            if (RequestStep.Generators.Contains(name, StringComparer.Ordinal))
            {
                throw new LoadException(LoadFault.Usage, $"{where}: capture '{name}' has the name of a generator; choose another");
            }

            if (!JsonPath.TryParse(text, out var path, out var error))
            {
                throw new LoadException(LoadFault.Usage, $"{where}: capture '{name}: {text}': {error}; a JSON path is written like data.0.id or $.data[0].id");
            }

            parsed.Add(new Capture(name, names.Capture(name), path));
        }

        return parsed;
    }

    private void AddHeaders(RequestStep step, Uri target, ScenarioNames names, string where)
    {
        void Default(string name, string value)
        {
            if (!step.Headers.Keys.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                _headers.Add((Encoding.ASCII.GetBytes(name), Template.Parse(value, TemplatePlace.Header, names, where)));
            }
        }

        var host = target.HostNameType == UriHostNameType.IPv6 ? target.Host : target.IdnHost;
        Default("Host", target.IsDefaultPort ? host : $"{host}:{target.Port}");
        Default("User-Agent", "tenfold-load");
        Default("Accept", "*/*");
        if (step.Json is not null)
        {
            Default("Content-Type", "application/json");
        }

        foreach (var (name, value) in step.Headers)
        {
            var bytes = Encoding.UTF8.GetBytes(name);
            if (!Wire.Http1.HeadParser.IsToken(bytes) || Wire.Http1.HeadParser.HasControl(Encoding.UTF8.GetBytes(value)))
            {
                throw new LoadException(LoadFault.Usage, $"{where}: header '{name}' has a character that no header may have");
            }

            if (Own.Contains(name))
            {
                throw new LoadException(LoadFault.Usage, $"{where}: header '{name}' is the load generator's own; leave it out");
            }

            _headers.Add((bytes, Template.Parse(value, TemplatePlace.Header, names, where)));
        }
    }

    private int RouteOf(ReadOnlySpan<byte> target)
    {
        var query = target.IndexOf((byte)'?');
        var path = query < 0 ? target : target[..query];
        Span<char> chars = path.Length <= 512 ? stackalloc char[path.Length] : new char[path.Length];
        Encoding.ASCII.GetChars(path, chars);
        return _routes.Match(Method, chars, _ownRoute);
    }
}

/// <summary>A value of the answer that later steps use.</summary>
internal sealed record Capture(string Name, int Slot, JsonPath Path);

/// <summary>A step made ready.</summary>
internal abstract class StepPlan;

/// <summary>Requests that are sent at the same time.</summary>
internal sealed class ParallelPlan(RequestPlan[] requests) : StepPlan
{
    public RequestPlan[] Requests { get; } = requests;
}

/// <summary>Whether the next <paramref name="steps"/> are taken or left out.</summary>
internal sealed class SharePlan(double share, int steps) : StepPlan
{
    public double Share { get; } = share;

    public int Steps { get; } = steps;
}

/// <summary>A pause, in nanoseconds.</summary>
internal sealed class ThinkPlan(TimeSpan think) : StepPlan
{
    public long Nanoseconds { get; } = think.Ticks * TimeSpan.NanosecondsPerTick;
}
