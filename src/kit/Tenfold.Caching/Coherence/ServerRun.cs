namespace Tenfold.Caching.Coherence;

/// <summary>Names the run of what holds the entries: when it changes, invalidations may have been lost, and what was stored before is not used.</summary>
internal static class ServerRun
{
    /// <summary>Of one server: its run id, from INFO server.</summary>
    public static string OfServer(string info)
    {
        var at = info.IndexOf("run_id:", StringComparison.Ordinal);
        return at < 0 ? "" : info[(at + 7)..].Split('\r', '\n')[0];
    }

    /// <summary>Of a cluster: its primaries, from CLUSTER NODES. A replica that takes over is another one; slots that move are no change.</summary>
    public static string OfCluster(string nodes) => string.Join(
        ' ',
        nodes.Split('\n')
            .Select(line => line.Split(' ')) // id, address, flags, primary, ping, pong, epoch, link, slots
            .Where(words => words.Length > 8 && words[2].Contains("master", StringComparison.Ordinal))
            .Select(words => words[0])
            .Order(StringComparer.Ordinal));
}
