namespace PaymentSimulator;

/// <summary>How the provider misbehaves towards <c>pm_ok</c>, refunds and events. Rates are from 0 to 1, times in milliseconds. Default: not at all.</summary>
/// <remarks>What has a default is settable: the serializer would set what is left out of JSON to 0 if it were init-only.</remarks>
internal sealed record Control
{
    /// <summary>The same seed draws the same. Default 1.</summary>
    public int Seed { get; set; } = 1;

    /// <summary>Charges that are declined.</summary>
    public double Declines { get; init; }

    /// <summary>Requests that are answered with 500 without any effect.</summary>
    public double Errors { get; init; }

    /// <summary>Requests whose effect happens and that are answered with 500.</summary>
    public double ErrorsCharged { get; init; }

    /// <summary>Requests whose effect happens and whose connection is then cut.</summary>
    public double Resets { get; init; }

    /// <summary>Every answer takes at least so long.</summary>
    public int DelayLeast { get; init; }

    /// <summary>And at most so long.</summary>
    public int DelayMost { get; init; }

    /// <summary>How long <c>pm_slow</c> and <c>pm_late_charged</c> take. Default 1,500 ms.</summary>
    public int Slow { get; set; } = 1_500;

    /// <summary>Events that are never sent.</summary>
    public double WebhooksLost { get; init; }

    /// <summary>Events that are sent twice.</summary>
    public double WebhooksTwice { get; init; }

    /// <summary>Events that are sent late, and so out of order.</summary>
    public double WebhooksLate { get; init; }

    /// <summary>How much later. Default 2,000 ms.</summary>
    public int Late { get; set; } = 2_000;

    /// <summary>What is out of range, or null.</summary>
    public string? Problem()
    {
        foreach (var (name, rate) in ((string, double)[])[("declines", Declines), ("errors", Errors), ("errors_charged", ErrorsCharged), ("resets", Resets), ("webhooks_lost", WebhooksLost), ("webhooks_twice", WebhooksTwice), ("webhooks_late", WebhooksLate)])
        {
            if (rate is not (>= 0 and <= 1))
            {
                return $"{name} is {rate}; it must be from 0 to 1";
            }
        }

        foreach (var (name, time) in ((string, int)[])[("delay_least", DelayLeast), ("delay_most", DelayMost), ("slow", Slow), ("late", Late)])
        {
            if (time is < 0 or > 3_600_000)
            {
                return $"{name} is {time}; it must be from 0 to 3,600,000 ms";
            }
        }

        return DelayLeast > DelayMost ? $"delay_least is {DelayLeast}, more than delay_most, {DelayMost}" : null;
    }
}

/// <summary>What one request meets.</summary>
/// <param name="Decline">The reason to decline it with; null when it is charged.</param>
/// <param name="Before">How long until anything happens.</param>
/// <param name="Effect">Whether the charge or refund is made.</param>
/// <param name="Answer">What the caller gets.</param>
internal readonly record struct Fate(string? Decline, TimeSpan Before, bool Effect, Answering Answer);

/// <summary>How a request is answered.</summary>
internal enum Answering
{
    /// <summary>As it should be.</summary>
    Truth,

    /// <summary>500.</summary>
    Error,

    /// <summary>The connection is cut.</summary>
    Reset,

    /// <summary>Never: the caller has to give up.</summary>
    Never,
}

/// <summary>Draws fates. Thread-safe.</summary>
internal sealed class Fates
{
    private readonly Lock _lock = new();
    private Control _control = new();
    private Random _random = new(1);

    public Control Control
    {
        get => _control;
        set
        {
            lock (_lock)
            {
                (_control, _random) = (value, new Random(value.Seed));
            }
        }
    }

    /// <summary>Tokens that mean something by themselves; null for a token that is not known.</summary>
    public Fate? OfCharge(string token)
    {
        var slow = TimeSpan.FromMilliseconds(_control.Slow);
        return token switch
        {
            "pm_ok" => Drawn(),
            "pm_declined" => new Fate("insufficient_funds", default, true, Answering.Truth),
            "pm_expired" => new Fate("expired_card", default, true, Answering.Truth),
            "pm_slow" => new Fate(null, slow, true, Answering.Truth),
            "pm_slow_declined" => new Fate("generic_decline", slow, true, Answering.Truth),
            "pm_timeout" => new Fate(null, default, false, Answering.Never),
            "pm_timeout_charged" => new Fate(null, default, true, Answering.Never),
            "pm_timeout_declined" => new Fate("generic_decline", default, true, Answering.Never),
            "pm_late_charged" => new Fate(null, slow, true, Answering.Never),
            "pm_error" => new Fate(null, default, false, Answering.Error),
            "pm_error_charged" => new Fate(null, default, true, Answering.Error),
            "pm_reset" => new Fate(null, default, false, Answering.Reset),
            "pm_reset_charged" => new Fate(null, default, true, Answering.Reset),
            _ => null,
        };
    }

    public Fate OfRefund() => Drawn() with { Decline = null };

    /// <summary>How often an event is sent, and how much later.</summary>
    public (int Times, TimeSpan After) OfEvent()
    {
        lock (_lock)
        {
            return _random.NextDouble() < _control.WebhooksLost
                ? (0, default)
                : (_random.NextDouble() < _control.WebhooksTwice ? 2 : 1, _random.NextDouble() < _control.WebhooksLate ? TimeSpan.FromMilliseconds(_control.Late) : default);
        }
    }

    private Fate Drawn()
    {
        lock (_lock)
        {
            var before = TimeSpan.FromMilliseconds(_random.Next(_control.DelayLeast, _control.DelayMost + 1));
            var decline = _random.NextDouble() < _control.Declines ? "generic_decline" : null;
            var draw = _random.NextDouble();
            return draw < _control.Errors ? new Fate(null, before, false, Answering.Error)
                : draw < _control.Errors + _control.ErrorsCharged ? new Fate(decline, before, true, Answering.Error)
                : draw < _control.Errors + _control.ErrorsCharged + _control.Resets ? new Fate(decline, before, true, Answering.Reset)
                : new Fate(decline, before, true, Answering.Truth);
        }
    }
}
