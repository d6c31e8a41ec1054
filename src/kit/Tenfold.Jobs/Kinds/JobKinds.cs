using System.Reflection;
using System.Text.Json.Serialization;

namespace Tenfold.Jobs.Kinds;

/// <summary>All kinds of an app, by name and by type. Immutable.</summary>
internal sealed class JobKinds
{
    private readonly Dictionary<string, JobKind> _byName = new(StringComparer.Ordinal);
    private readonly Dictionary<Type, JobKind> _byType = [];

    /// <param name="handlers">Types that implement <see cref="IJobHandler{TJob}"/>.</param>
    /// <param name="jobs">Further types with <see cref="JobAttribute"/>, which are only enqueued.</param>
    /// <param name="json">Where their JSON is described.</param>
    /// <exception cref="InvalidOperationException">Two handlers for a job, two jobs of a name, no attribute, no JSON.</exception>
    public JobKinds(IEnumerable<Type> handlers, IEnumerable<Type> jobs, IReadOnlyList<JsonSerializerContext> json)
    {
        foreach (var handler in handlers)
        {
            foreach (var job in JobsOf(handler))
            {
                Add(job, handler, json);
            }
        }

        foreach (var job in jobs)
        {
            if (!_byType.ContainsKey(job))
            {
                Add(job, null, json);
            }
        }
    }

    /// <summary>What the options name and what is found.</summary>
    public static JobKinds Of(JobOptions options)
    {
        Type[] found = [.. options.Json.Select(context => context.GetType().Assembly).Distinct().SelectMany(assembly => assembly.GetTypes())];
        return new JobKinds(HandlersOf(options), found.Where(type => type.GetCustomAttribute<JobAttribute>() is not null), [.. options.Json]);
    }

    /// <summary>Handlers that the options name, and those that are found.</summary>
    public static IEnumerable<Type> HandlersOf(JobOptions options) => options.Json.Select(context => context.GetType().Assembly).Distinct().SelectMany(assembly => assembly.GetTypes())
        .Where(type => JobsOf(type).Any()).Concat(options.Handlers).Distinct();

    /// <summary>Kinds that this app can do.</summary>
    public IReadOnlyList<JobKind> Handled => [.. _byName.Values.Where(kind => kind.Handler is not null)];

    /// <summary>The kind of that name; null for one that this app does not know.</summary>
    public JobKind? Find(string kind) => _byName.GetValueOrDefault(kind);

    /// <exception cref="JobException">The app does not know the type as a job.</exception>
    public JobKind<TJob> Of<TJob>() => _byType.GetValueOrDefault(typeof(TJob)) as JobKind<TJob> ?? throw new JobException(
        $"{typeof(TJob)} is no job of this app: it needs the attribute [Job(\"kind\")] and [JsonSerializable(typeof({typeof(TJob).Name}))] on the JSON context given to AddJobs");

    /// <summary>What a type handles.</summary>
    public static IEnumerable<Type> JobsOf(Type handler) => handler is { IsAbstract: false, IsGenericTypeDefinition: false }
        ? handler.GetInterfaces().Where(type => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IJobHandler<>)).Select(type => type.GenericTypeArguments[0])
        : [];

    private void Add(Type job, Type? handler, IReadOnlyList<JsonSerializerContext> json)
    {
        var attribute = job.GetCustomAttribute<JobAttribute>() ?? throw new InvalidOperationException($"{job} has no [Job(\"kind\")]: its name in the database");
        var info = json.Select(context => context.GetTypeInfo(job)).FirstOrDefault(found => found is not null)
            ?? throw new InvalidOperationException($"no JSON context of AddJobs describes {job}: put [JsonSerializable(typeof({job.Name}))] on one");
        var kind = (JobKind)Activator.CreateInstance(typeof(JobKind<>).MakeGenericType(job), attribute.Kind, attribute.Queue, handler, info)!;
        if (!_byType.TryAdd(job, kind))
        {
            throw new InvalidOperationException($"{job} has two handlers: {_byType[job].Handler} and {handler}");
        }

        if (!_byName.TryAdd(attribute.Kind, kind))
        {
            throw new InvalidOperationException($"two jobs are of the kind '{attribute.Kind}': {_byName[attribute.Kind].Type} and {job}");
        }
    }
}
