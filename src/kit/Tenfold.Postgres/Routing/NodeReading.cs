namespace Tenfold.Postgres.Routing;

/// <summary>What one server said of itself.</summary>
/// <param name="IsPrimary">It is not in recovery.</param>
/// <param name="SystemId">Its cluster.</param>
/// <param name="Timeline">The history that it writes or follows.</param>
/// <param name="Lsn">A primary: flushed up to here. A replica: replayed up to here.</param>
/// <param name="Started">When the server was started: what was known of another run of it is void.</param>
/// <param name="At">Timestamp before it was asked.</param>
internal sealed record NodeReading(bool IsPrimary, ulong SystemId, uint Timeline, ulong Lsn, DateTime Started, long At)
{
    /// <summary>One row: in recovery, system id, timeline, LSN, start, whether it is leaving (a setting that anybody may put into its configuration). CASE keeps functions that only one role has from being called on the other.</summary>
    public const string Sql = """
        SELECT pg_is_in_recovery(),
            (SELECT system_identifier FROM pg_control_system()),
            CASE WHEN pg_is_in_recovery()
                THEN coalesce((SELECT received_tli FROM pg_stat_wal_receiver), (SELECT greatest(c.timeline_id, r.min_recovery_end_timeline) FROM pg_control_checkpoint() c, pg_control_recovery() r))
                ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END,
            CASE WHEN pg_is_in_recovery()
                THEN coalesce(pg_last_wal_replay_lsn(), '0/0')
                ELSE CASE current_setting('synchronous_commit') WHEN 'off' THEN pg_current_wal_insert_lsn() ELSE pg_current_wal_flush_lsn() END END,
            pg_postmaster_start_time(),
            coalesce(current_setting('tenfold.leaving', true) = 'on', false)
        """;

    /// <summary>Whoever runs it is about to stop it: a replica that begins no more reads.</summary>
    public bool IsLeaving { get; init; }

    /// <summary>The place that this server has reached.</summary>
    public ReadToken Token => new(SystemId, Timeline, new(Lsn));
}
