using Tenfold.Jobs.Claiming;

namespace Tenfold.Jobs.Tests.Claiming;

public sealed class WatermarkTests
{
    [Fact]
    public void A_claim_moves_the_front_of_its_lane_and_not_the_floor()
    {
        var mark = new Watermark();
        mark.Claimed(11, 5000);
        mark.Claimed(11, 3000);
        Assert.Equal(5000, mark.Front[11]);
        Assert.Equal(0, mark.Front[10]);
        Assert.Equal(0, mark.Floor[11]);
        Assert.True(mark.IsAhead);
    }

    [Fact]
    public void The_floor_may_rise_when_every_transaction_of_then_has_ended_and_two_seconds_are_over()
    {
        var mark = new Watermark();
        mark.Claimed(11, 5000);
        Assert.Null(mark.Candidate(TimeSpan.Zero, oldest: 90, next: 100)); // noted: 5000, transactions below 100
        mark.Claimed(11, 9000);
        Assert.Null(mark.Candidate(TimeSpan.FromSeconds(5), oldest: 99, next: 200));
        Assert.Null(mark.Candidate(TimeSpan.FromSeconds(1), oldest: 100, next: 200));
        Assert.Equal(5000, mark.Candidate(TimeSpan.FromSeconds(5), oldest: 100, next: 200)![11]);
        Assert.Equal(0, mark.Floor[11]);
        mark.Raise();
        Assert.Equal(5000, mark.Floor[11]);
        Assert.Equal(9000, mark.Front[11]);
    }

    /// <summary>
    /// Transactions that enqueue and commit or roll back in any order, two workers whose claims may be rolled back: nothing that is ready is ever
    /// below a floor.
    /// </summary>
    [Fact]
    public void No_job_is_ever_below_a_floor_whatever_the_order_of_commits()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var model = new Model(new Random(seed));
            for (var step = 0; step < 300; step++)
            {
                model.Step();
                if (model.Lost() is { } lost)
                {
                    Assert.Fail($"seed {seed}, step {step}: place {lost} is below a floor");
                }
            }
        }
    }

    private sealed class Model(Random random)
    {
        private readonly Watermark[] _workers = [new(), new()];
        private readonly List<(ulong Id, bool IsClaim, List<long> Places)> _open = [];
        private readonly SortedSet<long> _visible = [];
        private readonly HashSet<long> _locked = [];
        private ulong _nextTransaction = 100;
        private long _nextPlace = 1;
        private double _now;

        private ulong Oldest => _open.Count == 0 ? _nextTransaction : _open.Min(transaction => transaction.Id);

        public void Step()
        {
            _now += random.NextDouble();
            switch (random.Next(6))
            {
                case 0:
                    _open.Add((_nextTransaction++, false, [_nextPlace++]));
                    break;
                case 1 when _open.Find(transaction => !transaction.IsClaim) is { Places: { } places }:
                    places.Add(_nextPlace++);
                    break;
                case 2 when _open.Count > 0:
                    End(_open[random.Next(_open.Count)]);
                    break;
                case 3 or 4:
                    Claim(_workers[random.Next(2)], sweeps: random.Next(3) == 0);
                    break;
                case 5:
                    Raise(_workers[random.Next(2)]);
                    break;
            }
        }

        /// <summary>A place that a floor has passed although a job is there, or may yet be.</summary>
        public long? Lost() => _visible.Concat(_open.Where(transaction => !transaction.IsClaim).SelectMany(transaction => transaction.Places))
            .Where(place => Array.Exists(_workers, worker => place <= worker.Floor[0])).Select(place => (long?)place).FirstOrDefault();

        private void End((ulong Id, bool IsClaim, List<long> Places) transaction)
        {
            _open.Remove(transaction);
            _locked.ExceptWith(transaction.Places);
            var commits = random.Next(4) > 0;
            if (transaction.IsClaim && commits)
            {
                _visible.ExceptWith(transaction.Places);
            }
            else if (!transaction.IsClaim && commits)
            {
                _visible.UnionWith(transaction.Places);
            }
        }

        // The worker learns of its claim at once; the transaction ends later, for the other one to see it locked meanwhile.
        private void Claim(Watermark worker, bool sweeps)
        {
            var after = sweeps ? worker.Floor[0] : worker.Front[0];
            var places = _visible.Where(place => place > after && !_locked.Contains(place)).Take(random.Next(1, 5)).ToList();
            places.ForEach(place => worker.Claimed(0, place));
            if (places.Count > 0)
            {
                _locked.UnionWith(places);
                _open.Add((_nextTransaction++, true, places));
            }
        }

        private void Raise(Watermark worker)
        {
            var floor = worker.Floor[0];
            if (worker.Candidate(TimeSpan.FromSeconds(_now), Oldest, _nextTransaction) is { } candidate && !_visible.Any(place => place > floor && place <= candidate[0]))
            {
                worker.Raise();
            }
        }
    }
}
