using Tenfold.Load.Http;
using Tenfold.Load.Loops;
using Tenfold.Load.Results;
using Tenfold.Load.Scenarios;

namespace Tenfold.Load.Running;

/// <summary>Decides when a user goes on and what it measures from: the closed or the open model.</summary>
internal interface IModel
{
    /// <summary>Whether latency counts from when a request was meant to be sent, not from when it was.</summary>
    bool FromIntended { get; }

    /// <summary>Whether this user must leave before its next step.</summary>
    bool MustLeave(VirtualUser user);

    /// <summary>The scenario is over or was left.</summary>
    /// <returns>True to begin another iteration at once.</returns>
    bool OnIterationEnd(VirtualUser user);
}

/// <summary>
/// One person, or one arrival: goes through the scenario step by step, on one connection (more for parallel requests), with its
/// own variables. A state machine driven by its loop: nothing is allocated per request. Belongs to its worker's thread.
/// </summary>
internal sealed class VirtualUser : ITimed
{
    // A closed user whose server refuses connections would else try thousands of times a second.
    private const long PauseAfterRefusal = 100_000_000; // 100 ms

    private readonly Worker _worker;
    private readonly IModel _model;
    private readonly StepPlan[] _steps;
    private readonly TemplateValues _values;
    private readonly Lane _lane; // of requests that are sent one at a time, and of the first of parallel ones
    private Lane[] _more = [];   // of the others of parallel ones
    private int _underWay;
    private bool _refused; // one of the requests of this step
    private int _step;
    private long _iteration;

    public VirtualUser(Worker worker, IModel model, int index)
    {
        (_worker, _model, Index) = (worker, model, index);
        _steps = worker.Plan.Scenario.Steps;
        _values = new TemplateValues(worker.Plan.Scenario.Variables);
        _lane = new Lane(this, worker);
    }

    /// <summary>Place among the worker's users, from 0.</summary>
    public int Index { get; }

    /// <summary>Whether it is in the middle of the scenario.</summary>
    public bool IsActive { get; private set; }

    /// <summary>Begins an iteration.</summary>
    /// <param name="number">Of the user, from 1.</param>
    /// <param name="intended">When it was meant to begin (<see cref="EventLoop.Now"/>).</param>
    public void Begin(long number, long intended)
    {
        IsActive = true;
        Prepare(number, _model.FromIntended ? 0 : _iteration++); // an arrival is a new user each time
        Advance(intended);
    }

    void ITimed.OnDue(long due)
    {
        if (!_worker.Ended)
        {
            _worker.Lag.Record(EventLoop.Now() - due);
        }

        Advance(due);
    }

    private void OnExchanged(Lane lane, ExchangeEnd end)
    {
        var now = EventLoop.Now();
        var plan = lane.Plan!;
        var error = ErrorOf(lane, plan, end);
        _worker.InFlight--;
        _worker.Record(lane.Route, now, end is ExchangeEnd.Answered or ExchangeEnd.Timeout ? now - lane.Since : null, error, lane.Connection.Status);
        if (end == ExchangeEnd.Local)
        {
            _worker.RecordLocalFailure();
        }

        if (error is not null && plan.Captures.Count > 0)
        {
            _step = _steps.Length; // what the rest would need is missing
        }

        _refused |= end is ExchangeEnd.Connect or ExchangeEnd.Local;
        if (--_underWay > 0)
        {
            return;
        }

        var refused = _refused;
        _refused = false;
        if (refused && !_model.FromIntended)
        {
            _worker.Loop.At(now + PauseAfterRefusal, this);
            return;
        }

        Advance(now);
    }

    private ErrorKind? ErrorOf(Lane lane, RequestPlan plan, ExchangeEnd end)
    {
        switch (end)
        {
            case ExchangeEnd.Timeout:
                return ErrorKind.Timeout;
            case ExchangeEnd.Protocol:
                return ErrorKind.Protocol;
            case ExchangeEnd.Connect or ExchangeEnd.Local:
                return ErrorKind.Connect;
            default:
                break;
        }

        if (plan.Expect is { } expected ? lane.Connection.Status != expected : lane.Connection.Status >= 400)
        {
            return ErrorKind.Status;
        }

        foreach (var capture in plan.Captures)
        {
            if (lane.Connection.Overflowed || !capture.Path.TryRead(lane.Answer.Span, _values.Variables[capture.Slot]))
            {
                return ErrorKind.Capture;
            }
        }

        return null;
    }

    // from: when the step before ended, or the pause was meant to.
    private void Advance(long from)
    {
        while (true)
        {
            if (_model.MustLeave(this))
            {
                Leave();
                return;
            }

            if (_step == _steps.Length)
            {
                _worker.Iterations++;
                if (!_model.OnIterationEnd(this))
                {
                    IsActive = false;
                    return;
                }

                Prepare(_values.User, _iteration++);
                continue;
            }

            switch (_steps[_step++])
            {
                case SharePlan share:
                    _step += _values.Random.NextDouble() < share.Share ? 0 : share.Steps;
                    continue;
                case ThinkPlan think:
                    _worker.Loop.At(from + think.Nanoseconds, this);
                    return;
                case RequestPlan request:
                    Send(request, _lane, from);
                    break;
                case ParallelPlan parallel:
                    SendAll(parallel.Requests, from);
                    break;
                default:
                    throw new InvalidOperationException("a step of an unknown kind");
            }

            if (_underWay > 0)
            {
                return;
            }
        }
    }

    private void SendAll(RequestPlan[] plans, long from)
    {
        if (_more.Length < plans.Length - 1)
        {
            _more = [.. _more, .. Enumerable.Range(_more.Length, plans.Length - 1 - _more.Length).Select(_ => new Lane(this, _worker))];
        }

        Send(plans[0], _lane, from);
        for (var i = 1; i < plans.Length; i++)
        {
            Send(plans[i], _more[i - 1], from);
        }
    }

    private void Send(RequestPlan plan, Lane lane, long from)
    {
        lane.Plan = plan;
        ReadOnlyMemory<byte> bytes;
        if (plan.Ready is { } ready)
        {
            (bytes, lane.Route) = (ready, plan.ReadyRoute);
        }
        else if (plan.TryRender(_values, lane.Request, _worker.Scratch, out lane.Route))
        {
            bytes = lane.Request.Memory;
        }
        else
        {
            // A captured value cannot stand where the request needs it: counted as that request's failure.
            _worker.Record(lane.Route, from, null, ErrorKind.Capture, 0);
            _step = _steps.Length;
            return;
        }

        var now = EventLoop.Now();
        lane.Since = _model.FromIntended ? from : now;
        _worker.InFlight++;
        _underWay++;
        lane.Connection.Begin(bytes, plan.MayRepeat, plan.Captures.Count > 0 ? lane.Answer : null, now + _worker.Plan.Timeouts[lane.Route]);
    }

    private void Prepare(long number, long iteration)
    {
        _step = 0;
        _values.Begin(_worker.Plan.Seed, number, iteration);
    }

    private void Leave()
    {
        IsActive = false;
        _model.OnIterationEnd(this);
    }

    /// <summary>A connection of a user with the request that it carries.</summary>
    private sealed class Lane : IExchanged
    {
        private readonly VirtualUser _user;

        public Lane(VirtualUser user, Worker worker)
        {
            _user = user;
            Connection = worker.NewConnection(this);
        }

        public LoadConnection Connection { get; }

        public ByteBuffer Request { get; } = new();

        public ByteBuffer Answer { get; } = new();

        public RequestPlan? Plan { get; set; }

        /// <summary>What the request's latency counts from.</summary>
        public long Since { get; set; }

        public int Route;

        void IExchanged.OnExchanged(ExchangeEnd end) => _user.OnExchanged(this, end);
    }
}
