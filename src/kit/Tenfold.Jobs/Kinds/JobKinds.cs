using System.Reflection;
using System.Text.Json.Serialization;

namespace Tenfold.Jobs.Kinds;

/// <summary>All kinds of an app, by name and by type. Immutable.</summary>
internal sealed class JobKinds
{
    private readonly Dictionary<string, JobKind> _byName = new(StringComparer.Ordinal);
    private readonly Dictionary<Type, JobKind> _byType = [];

    private JobKinds(IReadOnlyList<Type> handlers, IEnumerable<Type> jobs, IReadOnlyList<JsonSerializerContext> json)
    {
        Handlers = handlers;
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

    /// <summary>What the options name and what is found in the assemblies of their JSON: looks at all types there, once when an app starts.</summary>
    /// <exception cref="InvalidOperationException">Two handlers for a job, two jobs of a name, no attribute, no JSON.</exception>
    public static JobKinds Of(JobOptions options)
    {
        Type[] found = [.. options.Json.Select(context => context.GetType().Assembly).Distinct().SelectMany(assembly => assembly.GetTypes())];
        return new JobKinds([.. found.Where(type => JobsOf(type).Any()).Concat(options.Handlers).Distinct()], found.Where(type => type.GetCustomAttribute<JobAttribute>() is not null), [.. options.Json]);
    }

    /// <summary>Types that implement <see cref="IJobHandler{TJob}"/>.</summary>
    public IReadOnlyList<Type> Handlers { get; }

    /// <summary>Kinds that this app can do.</summary>
    public IReadOnlyList<JobKind> Handled => [.. _byName.Values.Where(kind => kind.Handler is not null)];

    /// <summary>The kind of that name; null for one that this app does not know.</summary>
    public JobKind? Find(string kind) => _byName.GetValueOrDefault(kind);

    /// <exception cref="JobException">The app does not know the type as a job.</exception>
    public JobKind<TJob> Of<TJob>() => _byType.GetValueOrDefault(typeof(TJob)) as JobKind<TJob> ?? throw new JobException(
        $"{typeof(TJob)} is no job of this app: it needs the attribute [Job(\"kind\")] and [JsonSerializable(typeof({typeof(TJob).Name}))] on the JSON context given to AddJobs");

    // What a type handles.
    private static IEnumerable<Type> JobsOf(Type handler) => handler is { IsAbstract: false, IsGenericTypeDefinition: false }
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
