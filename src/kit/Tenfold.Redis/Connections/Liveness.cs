namespace Tenfold.Redis.Connections;

/// <summary>What to do about a connection that is silent.</summary>
internal enum Sign
{
    Fine,

    /// <summary>Send a PING.</summary>
    Ask,

    /// <summary>End the connection.</summary>
    Stuck,
}

internal static class Liveness
{
    /// <param name="silent">Since something came or, if nothing was owed then, since something is owed.</param>
    /// <param name="owes">Whether an answer is owed.</param>
    /// <param name="ask">Silence after which an idle connection is asked.</param>
    /// <param name="stuck">Silence after which one that owes an answer is given up.</param>
    public static Sign Decide(TimeSpan silent, bool owes, TimeSpan ask, TimeSpan stuck) =>
        owes ? silent >= stuck ? Sign.Stuck : Sign.Fine : silent >= ask ? Sign.Ask : Sign.Fine;
}
