using System.Text;
using Tenfold.Load.Data;

namespace Tenfold.Load.Tests.Data;

public sealed class DataTableTests
{
    [Theory]
    [InlineData("id,token\n1,a\n2,b\n", "1|a;2|b")]
    [InlineData("id,token\r\n1,a\r\n2,b", "1|a;2|b")]
    [InlineData(" id , token \n1, a \n", "1| a ")]
    [InlineData("id,token\n\n1,a\n\n", "1|a")]
    [InlineData("id,token\n\"1,5\",\"say \"\"hi\"\"\"\n", "1,5|say \"hi\"")]
    [InlineData("id,token\n\"two\nlines\",\n", "two\nlines|")]
    public void A_table_is_read_as_RFC_4180_has_it(string csv, string rows)
    {
        var table = DataTable.Parse(new StringReader(csv), "t.csv");
        Assert.Equal(["id", "token"], table.Columns);
        Assert.Equal(rows, string.Join(';', Enumerable.Range(1, table.Rows).Select(user => $"{Text(table, user, 0)}|{Text(table, user, 1)}")));
    }

    [Theory]
    [InlineData("", "t.csv: has no rows; the first line names the columns, the others are rows")]
    [InlineData("id,token\n", "t.csv: has no rows; the first line names the columns, the others are rows")]
    [InlineData("id,id\n1,2\n", "t.csv: the first line must name each column once; found 'id' in: id,id")]
    [InlineData("id,\n1,2\n", "t.csv: the first line must name each column once; found '' in: id,")]
    [InlineData("id,token\n\"a\nb\",1\n3\n", "t.csv:4: has 1 fields; the first line names 2 columns (id,token)")]
    [InlineData("id\n\"a\n", "t.csv:2: a field in quotes does not end")]
    [InlineData("id\n\"a\"b\n", "t.csv:2: 'b' after a field in quotes; a comma or the end of the line belongs there")]
    public void What_is_wrong_is_told_with_its_line(string csv, string message)
    {
        var error = Assert.Throws<LoadException>(() => DataTable.Parse(new StringReader(csv), "t.csv"));
        Assert.Equal((LoadFault.Usage, message), (error.Fault, error.Message));
    }

    private static string Text(DataTable table, long user, int column) => Encoding.UTF8.GetString(table.Value(user, column));
}
