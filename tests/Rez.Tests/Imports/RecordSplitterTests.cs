using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Rez.Imports.Files;

namespace Rez.Tests.Imports;

public sealed class RecordSplitterTests
{
    // What makes records hard: quotes, commas, line breaks, and letters of one to four bytes.
    private static readonly string[] Pieces = ["a", "\"", ",", "\n", "\r\n", "\r", "é", "€", "😀", " "];

    [Fact]
    public void Fields_that_are_written_by_the_rules_are_read_as_they_were_however_the_bytes_are_cut()
    {
        var field = Gen.Elements(Pieces).ListOf().Select(string.Concat);
        var record = field.NonEmptyListOf().Select(fields => fields.ToArray());
        Prop.ForAll(record.NonEmptyListOf().ToArbitrary(), Gen.Choose(1, 9).ToArbitrary(), (records, cut) =>
        {
            var text = string.Concat(records.Select((fields, i) => string.Join(',', fields.Select(Quoted)) + (i % 2 == 0 ? "\n" : "\r\n")));
            var read = Records(text, quotes: true, cut).Select(found =>
            {
                var fields = new List<string?>();
                Assert.Null(CsvFields.Read(found.Bytes, fields));
                return fields;
            }).ToList();
            Assert.Equal(records.Select(fields => fields.Select(text => (string?)text).ToList()), read);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Every_text_is_cut_into_the_same_records_whatever_the_pieces_it_comes_in()
    {
        var text = Gen.Elements(Pieces).ListOf().Select(string.Concat);
        Prop.ForAll(text.ToArbitrary(), Gen.Choose(1, 5).ToArbitrary(), Gen.Elements(true, false).ToArbitrary(), (whole, cut, quotes) =>
            Assert.Equal(Outcome(whole, quotes, whole.Length * 4), Outcome(whole, quotes, cut))).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Lines_of_NDJSON_are_those_between_line_breaks()
    {
        var line = Gen.Elements("{}", "{\"a\":\"é😀\"}", "x", "").ListOf();
        Prop.ForAll(line.ToArbitrary(), Gen.Choose(1, 7).ToArbitrary(), (lines, cut) =>
            Assert.Equal(lines.Select((text, i) => (i + 1, text)), Records(string.Concat(lines.Select(text => text + "\n")), quotes: false, cut).Select(found => (found.Line, Encoding.UTF8.GetString(found.Bytes))))).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_record_knows_the_line_that_it_begins_on()
    {
        var records = Records("a\n\"b\nb\n\",c\n\nd", quotes: true, 3);
        Assert.Equal([1, 2, 5, 6], records.Select(record => record.Line));
    }

    [Fact]
    public void A_quote_within_a_field_does_not_swallow_the_lines_after_it()
    {
        var records = Records("5\" pipe,1\nb,2\n", quotes: true, 4);
        Assert.Equal(["5\" pipe,1", "b,2"], records.Select(record => Encoding.UTF8.GetString(record.Bytes)));
        Assert.NotNull(CsvFields.Read(records[0].Bytes, []));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_record_that_is_too_long_is_left_out_and_the_next_one_is_found(bool quotes)
    {
        foreach (var length in new[] { RecordSplitter.Longest, RecordSplitter.Longest + 1, 5 * RecordSplitter.Longest })
        {
            var records = Records(new string('x', length) + "\nb\n", quotes, 40_000);
            Assert.Equal([length > RecordSplitter.Longest, false], records.Select(record => record.IsTooLong));
            Assert.Equal([1, 2], records.Select(record => record.Line));
            Assert.Equal("b"u8.ToArray(), records[1].Bytes);
        }
    }

    [Theory]
    [InlineData("a,\"b\n1,2\n")]
    [InlineData("\"")]
    [InlineData("a\n\"\"\"")]
    public void A_quoted_field_that_does_not_end_makes_the_file_unreadable(string text) =>
        Assert.Contains("does not end", Assert.Throws<ImportFileException>(() => Records(text, quotes: true, 3)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_quoted_field_that_goes_on_for_ever_is_not_read_to_its_end() =>
        Assert.Contains("line 2", Assert.Throws<ImportFileException>(() => Records("a\n\"" + new string('x', 2 * RecordSplitter.Longest), quotes: true, 50_000)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("a,b,", new[] { "a", "b", null })]
    [InlineData("\"\",", new[] { "", null })]
    [InlineData("\"a\"\"b\",\"x,y\"", new[] { "a\"b", "x,y" })]
    public void An_empty_field_says_nothing_and_a_quoted_one_is_the_empty_text(string record, string?[] fields)
    {
        var read = new List<string?>();
        Assert.Null(CsvFields.Read(Encoding.UTF8.GetBytes(record), read));
        Assert.Equal(fields, read);
    }

    [Theory]
    [InlineData("\"a\"b,c")]
    [InlineData("a\"b")]
    [InlineData("a\rb")]
    [InlineData("\"a")]
    public void A_field_that_breaks_the_rules_is_an_error(string record) => Assert.NotNull(CsvFields.Read(Encoding.UTF8.GetBytes(record), []));

    private static string Quoted(string field) => $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static List<string> Outcome(string text, bool quotes, int cut)
    {
        try
        {
            return [.. Records(text, quotes, cut).Select(record => $"{record.Line} {Convert.ToHexString(record.Bytes)}")];
        }
        catch (ImportFileException unreadable)
        {
            return [unreadable.Message];
        }
    }

    private static List<(int Line, byte[] Bytes, bool IsTooLong)> Records(string text, bool quotes, int cut)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var splitter = new RecordSplitter(quotes);
        var records = new List<(int, byte[], bool)>();
        var (from, to) = (0, 0);
        while (true)
        {
            if (splitter.TryNext(bytes.AsSpan(from, to - from), to == bytes.Length, out var record))
            {
                records.Add((record.Line, bytes[from..(from + record.Length)], record.IsTooLong));
            }
            else if (to == bytes.Length)
            {
                return records;
            }
            else
            {
                to = Math.Min(bytes.Length, to + cut);
            }

            from += record.Consumed;
        }
    }
}
