namespace Tenfold.RateLimiting.Deciding;

/// <summary>
/// <see cref="Arithmetic.Gcra.Decide"/> in Lua, with Redis' clock: many requests one after the other in one round trip, each
/// under several limits, all or nothing. A caller is one string under each limit that expires when nothing of it matters any
/// more: when it will have earned everything back, and when its block ends if there is one, as big-endian doubles, in
/// microseconds since 1970.
/// </summary>
/// <remarks>
/// KEYS: callers, each once. ARGV: one MessagePack array of numbers (<see cref="PackedNumbers"/>): for each request how many
/// limits and the cost, then for each limit: which of the keys, interval, tolerance, block, and what the asking process knows:
/// the least backlog and block there must be (matters when Redis has lost its own), and what its insurance has let through
/// since Redis was last told. The answer, packed alike: for each request 1 or 0, then for each limit: backlog, blocked. All in
/// microseconds. A least backlog that is ahead by less than 10 ms is not counted: that is how much longer the way to Redis took
/// than last time, and would add up. What a decision costs is reading and writing its caller, and turning numbers into text
/// and back, so nothing is done twice and numbers stay binary.
/// </remarks>
internal static class LimitScript
{
    public const string Clock = "redis.call('TIME')";

    public const string Text = $$"""
        local time = {{Clock}}
        local now = time[1] * 1000000 + time[2]
        local ask, arrivals = cmsgpack.unpack(ARGV[1]), redis.call('MGET', unpack(KEYS))
        local tills, kept, answer = {}, {}, {}
        for key = 1, #KEYS do
          local value = arrivals[key]
          local length = value and #value
          if length == 8 then
            arrivals[key] = struct.unpack('>d', value)
          elseif length == 16 then
            arrivals[key], tills[key] = struct.unpack('>dd', value)
          else
            arrivals[key] = 0
          end
        end
        local at, out, length = 1, 1, #ask
        while at < length do
          local limits, cost, first, o = ask[at], ask[at + 1], at + 2, out
          local last, weight = first + limits * 7 - 7, cost > 0 and cost or 1
          local passes, told = 1, false
          for a = first, last, 7 do
            local key, tolerance, known, owed = ask[a], ask[a + 2], ask[a + 4], ask[a + 6]
            local backlog, blocked = arrivals[key] - now, (tills[key] or 0) - now
            if not (backlog > 0) then backlog = 0 end
            if known > backlog + 10000 then backlog = known end
            if owed > 0 then backlog, told = backlog + owed, true end
            if backlog > tolerance then backlog = tolerance end
            if not (blocked > ask[a + 5]) then blocked = ask[a + 5] end
            if blocked > ask[a + 3] then blocked = ask[a + 3] end
            if blocked > 0 or backlog + ask[a + 1] * weight > tolerance then passes = 0 end
            answer[o + 1], answer[o + 2] = backlog, blocked
            o = o + 2
          end
          answer[out], o = passes, out
          for a = first, cost > 0 and last or 0, 7 do
            local key, backlog, blocked, changed = ask[a], answer[o + 1], answer[o + 2], told
            if passes == 1 then
              backlog, changed = backlog + ask[a + 1] * cost, true
            elseif blocked == 0 and ask[a + 3] > 0 and backlog + ask[a + 1] * cost > ask[a + 2] then
              blocked, changed = ask[a + 3], true
            end
            if changed then
              answer[o + 1], answer[o + 2] = backlog, blocked
              arrivals[key], tills[key] = now + backlog, blocked > 0 and now + blocked or nil
              kept[key] = backlog > blocked and backlog or blocked
            end
            o = o + 2
          end
          at, out = last + 7, out + 1 + limits * 2
        end
        for key, time in pairs(kept) do
          local value = tills[key] and struct.pack('>dd', arrivals[key], tills[key]) or struct.pack('>d', arrivals[key])
          redis.call('SET', KEYS[key], value, 'PX', string.format('%d', math.ceil(time / 1000)))
        end
        return cmsgpack.pack(answer)
        """;
}
