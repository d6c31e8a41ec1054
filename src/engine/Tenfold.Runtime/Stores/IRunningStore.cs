namespace Tenfold.Runtime.Stores;

/// <summary>A store of the guide as it runs here: one server or several. What is started is stopped by disposing.</summary>
internal interface IRunningStore : IAsyncDisposable
{
    string Name { get; }

    /// <summary>Makes whatever the first start needs: programs, folders, data.</summary>
    Task PrepareAsync(CancellationToken cancel);

    /// <summary>Returns once the store answers.</summary>
    Task StartAsync(CancellationToken cancel);

    Task StopAsync();

    /// <summary>Every server.</summary>
    IReadOnlyList<StoreStatus> Status();

    /// <summary>How to reach its databases, by the name that instances know them by; its own name comes first.</summary>
    IReadOnlyList<KeyValuePair<string, string>> ConnectionStrings { get; }
}
