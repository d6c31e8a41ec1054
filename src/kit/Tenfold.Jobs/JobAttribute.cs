namespace Tenfold.Jobs;

/// <summary>Makes a record a job.</summary>
/// <param name="kind">Its name in the database, e.g. <c>mail.order-placed</c>. It stays when the class is renamed: jobs that wait have it.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct, Inherited = false)]
public sealed class JobAttribute(string kind) : Attribute
{
    /// <summary>The name of this kind of job.</summary>
    public string Kind { get; } = kind;

    /// <summary>The queue that its jobs wait in unless <see cref="EnqueueOptions.Queue"/> says otherwise. Default <c>default</c>.</summary>
    public string Queue { get; init; } = "default";
}
