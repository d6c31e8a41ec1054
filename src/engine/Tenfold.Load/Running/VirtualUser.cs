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
/// One person, or one arrival: goes through the scenario step by step, on one connection, with its own variables. A state
/// machine driven by its loop: nothing is allocated per request. Belongs to its worker's thread.
/// </summary>
internal sealed class VirtualUser : IExchanged, ITimed
{
    // A closed user whose server refuses connections would else try thousands of times a second.
    private const long PauseAfterRefusal = 100_000_000; // 100 ms

    private readonly Worker _worker;
    private readonly IModel _model;
    private readonly StepPlan[] _steps;
    private readonly LoadConnection _connection;
    private readonly TemplateValues _values;
    private readonly ByteBuffer _request = new();
    private readonly ByteBuffer _answer = new();
    private RequestPlan? _current;
    private int _route;
    private int _step;
    private long _iteration;
    private long _since; // what the current request's latency counts from

    public VirtualUser(Worker worker, IModel model, int index)
    {
        (_worker, _model, Index) = (worker, model, index);
        _steps = worker.Plan.Scenario.Steps;
        _values = new TemplateValues(worker.Plan.Scenario.Variables);
        _connection = worker.NewConnection(this);
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

    void IExchanged.OnExchanged(ExchangeEnd end)
    {
        var now = EventLoop.Now();
        var plan = _current!;
        var error = ErrorOf(plan, end);
        _worker.InFlight--;
        _worker.Record(_route, now, end is ExchangeEnd.Answered or ExchangeEnd.Timeout ? now - _since : null, error, _connection.Status);
        if (end == ExchangeEnd.Local)
        {
            _worker.RecordLocalFailure();
        }

        if (error is not null && plan.Captures.Count > 0)
        {
            _step = _steps.Length; // what the rest would need is missing
        }

        if (end is ExchangeEnd.Connect or ExchangeEnd.Local && !_model.FromIntended)
        {
            _worker.Loop.At(now + PauseAfterRefusal, this);
            return;
        }

        Advance(now);
    }

    private ErrorKind? ErrorOf(RequestPlan plan, ExchangeEnd end)
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

        if (plan.Expect is { } expected ? _connection.Status != expected : _connection.Status >= 400)
        {
            return ErrorKind.Status;
        }

        foreach (var capture in plan.Captures)
        {
            if (_connection.Overflowed || !capture.Path.TryRead(_answer.Span, _values.Variables[capture.Slot]))
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
                case ThinkPlan think:
                    _worker.Loop.At(from + think.Nanoseconds, this);
                    return;
                case RequestPlan request when TrySend(request, from):
                    return;
                default:
                    // A captured value cannot stand where the request needs it: counted as that request's failure.
                    _worker.Record(_route, from, null, ErrorKind.Capture, 0);
                    _step = _steps.Length;
                    break;
            }
        }
    }

    private bool TrySend(RequestPlan plan, long from)
    {
        _current = plan;
        ReadOnlyMemory<byte> bytes;
        if (plan.Ready is { } ready)
        {
            (bytes, _route) = (ready, plan.ReadyRoute);
        }
        else if (plan.TryRender(_values, _request, _worker.Scratch, out _route))
        {
            bytes = _request.Memory;
        }
        else
        {
            return false;
        }

        var now = EventLoop.Now();
        _since = _model.FromIntended ? from : now;
        _worker.InFlight++;
        _connection.Begin(bytes, plan.MayRepeat, plan.Captures.Count > 0 ? _answer : null, now + _worker.Plan.Timeouts[_route]);
        return true;
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
}
