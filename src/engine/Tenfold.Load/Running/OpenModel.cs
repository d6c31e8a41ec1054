using Tenfold.Load.Loops;
using Tenfold.Load.Pacing;

namespace Tenfold.Load.Running;

/// <summary>
/// Arrivals of one worker: every n-th one of the test, each begun at its own time whatever became of those before it. How late
/// one begins is the generator's doing alone, as nothing here waits for the server.
/// </summary>
internal sealed class OpenModel(Worker worker, ArrivalPacing pacing, int mostInFlight) : IModel, ITimed
{
    // When many are due at once, answers are read in between: they free connections, which costs less than opening new ones.
    private const int Batch = 32;

    private readonly Stack<VirtualUser> _idle = new();
    private int _users;
    private long _next = worker.Plan.Index + 1;

    public bool FromIntended => true;

    public void Begin() => Schedule();

    public bool MustLeave(VirtualUser user) => worker.Ended;

    public bool OnIterationEnd(VirtualUser user)
    {
        _idle.Push(user);
        return false;
    }

    void ITimed.OnDue(long due)
    {
        var now = EventLoop.Now();
        for (var i = 0; i < Batch && IsDue(now, out var intended); i++)
        {
            Arrive(intended);
            _next += worker.Plan.Workers;
        }

        if (IsDue(now, out _))
        {
            worker.Loop.Defer(this);
        }
        else
        {
            Schedule();
        }
    }

    private bool IsDue(long now, out long intended)
    {
        intended = _next <= pacing.Total ? worker.Plan.Start + pacing.NanosecondsOf(_next) : long.MaxValue;
        return intended <= now && !worker.Ended;
    }

    private void Arrive(long intended)
    {
        if (!_idle.TryPop(out var user))
        {
            if (_users == mostInFlight)
            {
                worker.Dropped++;
                return;
            }

            user = new VirtualUser(worker, this, _users++);
        }

        worker.Lag.Record(EventLoop.Now() - intended);
        worker.Started++;
        user.Begin(_next, intended);
    }

    private void Schedule()
    {
        if (_next <= pacing.Total && !worker.Ended)
        {
            worker.Loop.At(worker.Plan.Start + pacing.NanosecondsOf(_next), this);
        }
    }
}
