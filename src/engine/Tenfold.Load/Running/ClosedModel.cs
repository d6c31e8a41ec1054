using Tenfold.Guide;
using Tenfold.Load.Loops;
using Tenfold.Load.Pacing;

namespace Tenfold.Load.Running;

/// <summary>
/// Virtual users of one worker: as many as the stages ask for, each going through the scenario again and again. A user that
/// must leave finishes the request it waits for, and no more.
/// </summary>
internal sealed class ClosedModel(Worker worker, IReadOnlyList<LoadStage> stages) : IModel, ITimed
{
    private const long Check = 5_000_000; // 5 ms

    private readonly List<VirtualUser> _users = [];
    private int _wanted;

    public bool FromIntended => false;

    public void Begin() => worker.Loop.At(worker.Plan.Start, this);

    public bool MustLeave(VirtualUser user) => worker.Ended || user.Index >= _wanted;

    public bool OnIterationEnd(VirtualUser user) => !MustLeave(user);

    void ITimed.OnDue(long due)
    {
        if (worker.Ended)
        {
            return;
        }

        var elapsed = TimeSpan.FromTicks((due - worker.Plan.Start) / TimeSpan.NanosecondsPerTick);
        var all = UserRamp.UsersAt(stages, elapsed);
        _wanted = (all / worker.Plan.Workers) + (worker.Plan.Index < all % worker.Plan.Workers ? 1 : 0);
        for (var i = 0; i < _wanted; i++)
        {
            if (i == _users.Count)
            {
                _users.Add(new VirtualUser(worker, this, i));
            }

            if (!_users[i].IsActive)
            {
                worker.Started++;
                _users[i].Begin(((long)i * worker.Plan.Workers) + worker.Plan.Index + 1, EventLoop.Now());
            }
        }

        worker.Loop.At(due + Check, this);
    }
}
