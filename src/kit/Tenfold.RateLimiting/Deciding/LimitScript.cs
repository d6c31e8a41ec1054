namespace Tenfold.RateLimiting.Deciding;

/// <summary>
/// <see cref="Arithmetic.Gcra.Decide"/> in Lua, with Redis' clock: several limits of one request in one round trip, all or
/// nothing. A caller is one string under each limit, <c>ARRIVAL BLOCKED-UNTIL</c> in microseconds since 1970, that expires
/// when nothing of it matters any more.
/// </summary>
/// <remarks>
/// KEYS: one a limit. ARGV: the cost, then for each limit: interval, tolerance, block, and what the asking process knows: the
/// least backlog and block there must be (matters when Redis has lost its own), and what its insurance has let through since
/// Redis was last told. The answer: 1 or 0, then for each limit: wait, backlog, blocked. All in microseconds; '%.0f' because Lua's tostring cuts such numbers.
/// </remarks>
internal static class LimitScript
{
    public const string Clock = "redis.call('TIME')";

    public const string Text = $$"""
        local time = {{Clock}}
        local now = time[1] * 1000000 + time[2]
        local cost = tonumber(ARGV[1])
        local asked = math.max(cost, 1)
        local passes, told, answer = 1, false, {0}
        for i = 1, #KEYS do
          local a = i * 6 - 4
          local interval, tolerance, block = tonumber(ARGV[a]), tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2])
          local backlog, blocked = tonumber(ARGV[a + 3]), tonumber(ARGV[a + 4])
          local arrival, till = string.match(redis.call('GET', KEYS[i]) or '', '^(%d+) (%d+)$')
          if arrival then
            backlog = math.max(backlog, tonumber(arrival) - now)
            blocked = math.max(blocked, tonumber(till) - now)
          end
          local owed = tonumber(ARGV[a + 5])
          backlog = math.min(backlog + owed, tolerance)
          blocked = math.min(blocked, block)
          local wait = math.max(blocked, backlog + interval * asked - tolerance, 0)
          if wait > 0 then passes = 0 end
          if owed > 0 and cost > 0 then told = true end
          answer[i * 3 - 1], answer[i * 3], answer[i * 3 + 1] = wait, backlog, blocked
        end
        answer[1] = passes
        for i = 1, (cost > 0 and #KEYS or 0) do
          local a = i * 6 - 4
          local block = tonumber(ARGV[a + 2])
          local wait, backlog, blocked = answer[i * 3 - 1], answer[i * 3], answer[i * 3 + 1]
          local changed = passes == 1 or told
          if passes == 1 then
            backlog = backlog + tonumber(ARGV[a]) * cost
          elseif wait > 0 and blocked == 0 and block > 0 then
            blocked, changed = block, true
            wait = math.max(wait, block)
          end
          if changed then
            local till = blocked > 0 and now + blocked or 0
            redis.call('SET', KEYS[i], string.format('%.0f %.0f', now + backlog, till), 'PX', string.format('%.0f', math.ceil(math.max(backlog, blocked) / 1000)))
            answer[i * 3 - 1], answer[i * 3], answer[i * 3 + 1] = wait, backlog, blocked
          end
        end
        return answer
        """;
}
