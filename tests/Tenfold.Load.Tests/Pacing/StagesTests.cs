using Tenfold.Guide;
using Tenfold.Load.Pacing;

namespace Tenfold.Load.Tests.Pacing;

public sealed class StagesTests
{
    private static readonly LoadStage[] Api =
    [
        Users(120, 100), Users(300, 100), Users(120, 500), Users(0, 50), Users(60, 0),
    ];

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1.1, 0)]
    [InlineData(1.2, 1)]
    [InlineData(60, 50)]
    [InlineData(119.9, 99)]
    [InlineData(120, 100)]
    [InlineData(300, 100)]
    [InlineData(480, 300)]
    [InlineData(539.9, 499)]
    [InlineData(540, 50)] // a stage of no length jumps
    [InlineData(570, 25)]
    [InlineData(598.7, 2)]
    [InlineData(598.9, 1)]
    [InlineData(600, 0)]
    [InlineData(9999, 0)]
    public void Users_go_in_a_straight_line_from_level_to_level(double seconds, int users) =>
        Assert.Equal(users, UserRamp.UsersAt(Api, TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void Compressing_keeps_levels_and_proportions()
    {
        var short_ = Stages.Compress(Api, TimeSpan.FromSeconds(60));
        Assert.Equal([12, 30, 12, 0, 6], short_.Select(s => s.For.TotalSeconds));
        Assert.Equal(Api.Select(s => s.Users), short_.Select(s => s.Users));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(119, 0)]
    [InlineData(120, 1)]
    [InlineData(541, 4)]
    [InlineData(601, 4)]
    public void The_stage_of_a_moment_is_known(double seconds, int index) => Assert.Equal(index, Stages.IndexAt(Api, TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void Users_and_rates_do_not_mix()
    {
        Assert.Equal(LoadModel.Closed, Stages.ModelOf(Api));
        Assert.Equal(LoadModel.Open, Stages.ModelOf([new LoadStage { For = TimeSpan.FromSeconds(1), Rate = 0.5 }]));
        var error = Assert.Throws<LoadException>(() => Stages.ModelOf([Users(1, 1), new LoadStage { For = TimeSpan.FromSeconds(1), Rate = 1 }]));
        Assert.Equal((LoadFault.Usage, "every stage of a load test sets either users or rate, all of them the same one"), (error.Fault, error.Message));
    }

    [Fact]
    public void A_test_that_takes_no_time_is_refused()
    {
        Assert.Throws<LoadException>(() => Stages.ModelOf([]));
        Assert.Throws<LoadException>(() => Stages.ModelOf([Users(0, 100)]));
    }

    private static LoadStage Users(double seconds, int users) => new() { For = TimeSpan.FromSeconds(seconds), Users = users };
}
