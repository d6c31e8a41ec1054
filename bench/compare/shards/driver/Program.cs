using System.Globalization;
using ShardsDriver;

// fill HOME OTHER ROWS BUCKETS: the tables; in bucket 0 of database 0 ROWS rows, and as many in all others of it together.
// ops HOME OTHER SIDE OPERATION CALLERS WARM-SECONDS SECONDS POSTMASTER: prints operations, seconds, CPU of this process and of the
//     server in microseconds. SIDE: plain (one database, no shards) or shard. OPERATION: read or write.
// move HOME OTHER RATE: moves bucket 0 to database 1 while RATE rows a second are written to it and to others; prints what writes waited.
return args switch
{
    ["fill", var home, var other, var rows, var buckets] => await Filler.RunAsync(home, other, Number(rows), Number(buckets)),
    ["ops", var home, var other, var side, var operation, var callers, var warm, var seconds, var postmaster] =>
        await Operations.RunAsync(home, other, side == "shard", operation == "write", Number(callers), Real(warm), Real(seconds), Number(postmaster)),
    ["move", var home, var other, var rate] => await MovedUnderLoad.RunAsync(home, other, Number(rate)),
    _ => 2,
};

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
static double Real(string text) => double.Parse(text, CultureInfo.InvariantCulture);
