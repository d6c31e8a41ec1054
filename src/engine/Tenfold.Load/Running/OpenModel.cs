using Tenfold.Load.Loops;
using Tenfold.Load.Pacing;

namespace Tenfold.Load.Running;

/// <summary>
/// Arrivals of one worker: every n-th one of the test, each begun at its own time whatever became of those before it. How late
/// one begins is the generator's doing alone, as nothing here waits for the server.
/// </summary>
internal sealed class OpenModel(Worker worker, ArrivalPacing pacing, int mostInFlight) : IModel, ITimed
{
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
        // Fixed: sockets must get their turn even when arrivals are due faster than they can begin.
        var now = EventLoop.Now();
        while (!worker.Ended && _next <= pacing.Total && worker.Plan.Start + pacing.NanosecondsOf(_next) is var intended && intended <= now)
        {
            Arrive(intended);
            _next += worker.Plan.Workers;
        }

        Schedule();
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
