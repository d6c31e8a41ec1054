namespace Rez.Seed;

/// <summary>Draws 0, 1, 2, … with probabilities in proportion to 1/(k + offset)^exponent.</summary>
internal sealed class Zipf
{
    private readonly double[] _upTo;

    public Zipf(int count, double exponent, double offset = 1)
    {
        _upTo = new double[count];
        var sum = 0.0;
        for (var k = 0; k < count; k++)
        {
            _upTo[k] = sum += Math.Pow(k + offset, -exponent);
        }

        for (var k = 0; k < count; k++)
        {
            _upTo[k] /= sum;
        }
    }

    public int Draw(ref SplitMix random)
    {
        var at = Array.BinarySearch(_upTo, random.Fraction());
        return Math.Min(at < 0 ? ~at : at + 1, _upTo.Length - 1);
    }
}
