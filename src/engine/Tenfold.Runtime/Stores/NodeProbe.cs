using Npgsql;

namespace Tenfold.Runtime.Stores;

/// <summary>What a server said of itself.</summary>
/// <param name="IsPrimary">Whether it takes writes.</param>
/// <param name="Timeline">Its timeline, as of its last checkpoint.</param>
/// <param name="Received">Position up to which it has WAL on its disk, in bytes.</param>
/// <param name="Replayed">Of a standby: position up to which reads see it, in bytes. Of a primary the same as <paramref name="Received"/>.</param>
/// <param name="LastReplay">Of a standby: how long ago the last transaction that it replayed was committed.</param>
/// <param name="Streams">Of a standby: whether it receives from its primary.</param>
/// <param name="Followers">Of a primary: the replicas that it feeds.</param>
/// <param name="LostSlots">Of a primary: slots whose WAL is gone.</param>
internal sealed record NodeProbe(
    bool IsPrimary, int Timeline, long Received, long Replayed, TimeSpan? LastReplay, bool Streams, IReadOnlyList<Follower> Followers, IReadOnlyList<string> LostSlots)
{
    private const string Sql = """
        SELECT NOT r.recovers,
               c.timeline_id,
               CASE WHEN r.recovers THEN GREATEST(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0' ELSE pg_current_wal_flush_lsn() - '0/0' END,
               CASE WHEN r.recovers THEN pg_last_wal_replay_lsn() - '0/0' ELSE pg_current_wal_flush_lsn() - '0/0' END,
               CASE WHEN r.recovers THEN now() - pg_last_xact_replay_timestamp() END,
               EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming')
        FROM (SELECT pg_is_in_recovery() AS recovers) r, pg_control_checkpoint() c;
        SELECT application_name, state = 'streaming', COALESCE(sync_state, 'async') <> 'async', COALESCE(flush_lsn, '0/0') - '0/0', replay_lag
        FROM pg_stat_replication WHERE application_name IS NOT NULL;
        SELECT slot_name::text FROM pg_replication_slots WHERE slot_type = 'physical' AND wal_status = 'lost'
        """;

    public static async Task<NodeProbe> ReadAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand(Sql, connection);
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        var (primary, timeline, received, replayed) = (reader.GetBoolean(0), reader.GetInt32(1), Position(reader, 2), Position(reader, 3));
        TimeSpan? last = await reader.IsDBNullAsync(4) ? null : reader.GetTimeSpan(4);
        var streams = reader.GetBoolean(5);
        await reader.NextResultAsync();
        var followers = new List<Follower>();
        while (await reader.ReadAsync())
        {
            followers.Add(new Follower(reader.GetString(0), reader.GetBoolean(1), reader.GetBoolean(2), Position(reader, 3), await reader.IsDBNullAsync(4) ? null : reader.GetTimeSpan(4)));
        }

        await reader.NextResultAsync();
        var lost = new List<string>();
        while (await reader.ReadAsync())
        {
            lost.Add(reader.GetString(0));
        }

        return new NodeProbe(primary, timeline, received, replayed, last, streams, followers, lost);
    }

    private static long Position(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? 0 : (long)reader.GetDecimal(column);
}

/// <summary>A replica as its primary sees it.</summary>
/// <param name="Name">The replica's name.</param>
/// <param name="Streams">It has caught up once and is fed as WAL is written.</param>
/// <param name="Synchronous">Commits wait for it, or for one like it.</param>
/// <param name="Flushed">Position up to which it has WAL on its disk, in bytes.</param>
/// <param name="ReplayLag">How long the last WAL took until reads on it saw it; null when it is idle.</param>
internal sealed record Follower(string Name, bool Streams, bool Synchronous, long Flushed, TimeSpan? ReplayLag);
