namespace Tenfold.Postgres.Shards;

/// <summary>What kind of thing went wrong with shards.</summary>
public enum ShardFailure
{
    /// <summary>A key belongs to no bucket, or a bucket to no database. Never answered by asking all of them.</summary>
    Unmapped,

    /// <summary>The bucket is owned by another database than the one that was asked; nothing was executed. Calls retry by themselves and give up with this.</summary>
    Moved,

    /// <summary>The map in the home database and what this process was told do not agree (number of buckets, databases).</summary>
    Map,

    /// <summary>A move cannot start or go on; the message says what is in the way.</summary>
    Move,

    /// <summary>A time-ordered id cannot be made: no instance number is leased, or the lease has run out.</summary>
    Id,

    /// <summary>A unique value's reservation has expired or belongs to somebody else.</summary>
    Reservation,
}

/// <summary>An expected failure of shards, their map or a move. The message names the thing, what was found and what to do.</summary>
public sealed class ShardException(ShardFailure failure, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What kind of failure it is.</summary>
    public ShardFailure Failure => failure;
}
