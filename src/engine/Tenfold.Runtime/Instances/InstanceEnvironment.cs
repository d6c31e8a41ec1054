using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Tenfold.Runtime.Instances;

/// <summary>The environment of the instance contract (docs/runtime.md).</summary>
public static class InstanceEnvironment
{
    // .NET's thread pool spins before it sleeps. On half a core that was 40% of an instance's CPU (bench/compare/run rez), taken
    // from its own limit and from its neighbours. A program that is not .NET does not look at it.
    private const string SpinLimit = "DOTNET_ThreadPool_UnfairSemaphoreSpinLimit";

    /// <summary>What all instances of a service share.</summary>
    /// <param name="service">The service's name.</param>
    /// <param name="own">The guide's <c>environment:</c> of the service; the contract's variables win over it.</param>
    /// <param name="guideFile">The guide.</param>
    /// <param name="gateway">Where the gateway listens: how one service reaches another.</param>
    /// <param name="files">A folder that all instances share, kept between runs.</param>
    /// <param name="connectionStrings">By store.</param>
    public static IReadOnlyDictionary<string, string> OfService(
        string service, IReadOnlyDictionary<string, string> own, string guideFile, string gateway, string files, IReadOnlyDictionary<string, string> connectionStrings)
    {
        var environment = new Dictionary<string, string>(own, StringComparer.Ordinal)
        {
            ["TENFOLD_GUIDE"] = guideFile,
            ["TENFOLD_SERVICE"] = service,
            ["TENFOLD_GATEWAY"] = gateway,
            ["TENFOLD_FILES"] = files,
        };
        foreach (var (store, text) in connectionStrings)
        {
            environment["ConnectionStrings__" + store] = text;
        }

        environment.TryAdd(SpinLimit, "0");
        return environment;
    }

    /// <summary>What one instance gets on top: its name, and where to listen (<c>PORT</c> or <c>TENFOLD_SOCKET</c>).</summary>
    public static IReadOnlyDictionary<string, string> OfInstance(IReadOnlyDictionary<string, string> service, string instance, EndPoint endPoint)
    {
        var environment = new Dictionary<string, string>(service, StringComparer.Ordinal) { ["TENFOLD_INSTANCE"] = instance };
        if (endPoint is UnixDomainSocketEndPoint socket)
        {
            environment["TENFOLD_SOCKET"] = socket.ToString();
            environment["ASPNETCORE_URLS"] = $"http://unix:{socket}";
        }
        else if (endPoint is IPEndPoint ip)
        {
            environment["PORT"] = ip.Port.ToString(CultureInfo.InvariantCulture);
            environment["ASPNETCORE_URLS"] = $"http://{ip}";
        }

        return environment;
    }
}
