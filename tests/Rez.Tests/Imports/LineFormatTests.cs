using System.Text;
using Rez.Imports.Files;

namespace Rez.Tests.Imports;

public sealed class LineFormatTests
{
    [Theory]
    [InlineData("text/csv", "csv")]
    [InlineData("Text/CSV; charset=UTF-8; header=present", "csv")]
    [InlineData("application/x-ndjson", "ndjson")]
    [InlineData("application/jsonl", "ndjson")]
    [InlineData("text/csv; charset=iso-8859-1", null)]
    [InlineData("application/json", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void The_content_type_says_the_format(string? contentType, string? format) => Assert.Equal(format, LineFormat.Of(contentType)?.Name);

    [Fact]
    public void Both_formats_say_the_same()
    {
        var fromCsv = Csv("sku,name,brand,description,price,categoryId,storeId,isActive,isFeatured", "A-1,\"Jam, \"\"sweet\"\"\",Bonne,,12.50,22,7,true,false").Product!;
        var fromJson = Json("""{"sku":"A-1","name":"Jam, \"sweet\"","brand":"Bonne","price":12.50,"categoryId":22,"storeId":7,"isActive":true,"isFeatured":false}""").Product!;
        foreach (var product in new[] { fromCsv, fromJson })
        {
            Assert.Equal(
                ("A-1", "Jam, \"sweet\"", "Bonne", null, 12.50m, 22, 7, true, false),
                (product.Sku, product.Name, product.Brand, product.Description, product.Price!.Value, product.CategoryId!.Value, product.StoreId!.Value, product.IsActive!.Value, product.IsFeatured!.Value));
        }
    }

    [Fact]
    public void A_header_may_begin_with_a_mark_and_name_a_part_in_any_order_and_case() =>
        Assert.Equal(("B", 2m), (Csv("\uFEFFPRICE, Sku ", "2,B").Product!.Sku!, Csv("\uFEFFPRICE, Sku ", "2,B").Product!.Price!.Value));

    [Theory]
    [InlineData("name,price", "the column sku is missing")]
    [InlineData("sku,colour", "'colour' is not a column; known are sku, name,")]
    [InlineData("sku;name", "'sku;name' is not a column")]
    [InlineData("sku,SKU", "the column sku is there twice")]
    [InlineData("sku,", "'' is not a column")]
    [InlineData("sku,\"a\"b", "something follows its closing quote")]
    public void A_wrong_header_refuses_the_file(string header, string message) =>
        Assert.Contains(message, Assert.Throws<ImportFileException>(() => Csv(header, "x")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("A,x,1", "has 3 fields; the header has 2")]
    [InlineData(",1", "sku: is missing")]
    [InlineData(" A,1", "sku: must have 1 to 64 characters")]
    [InlineData("A,12.345", "price: must be from 0.01 to 1000000 with at most 2 decimals")]
    [InlineData("A,\"1,5\"", "price: is '1,5'; it must be a number such as 12.50")]
    [InlineData("A,$5", "price: is '$5'")]
    public void A_wrong_line_of_CSV_says_why(string line, string problem) => Assert.Contains(problem, Csv("sku,price", line).Problem, StringComparison.Ordinal);

    [Theory]
    [InlineData("{\"sku\":\"A\",\"colour\":1}", "colour: is not a field")]
    [InlineData("{\"sku\":\"A\",\"price\":\"1\"}", "price: has the wrong type")]
    [InlineData("{\"sku\":\"A\",\"name\":null}", "name: must not be null")]
    [InlineData("{\"sku\":\"A\",\"sku\":\"B\"}", "sku: is given twice")]
    [InlineData("{\"name\":\"A\"}", "sku: is missing")]
    [InlineData("{\"sku\":\"A\",\"name\":\"\\ud800\"}", "name: has the wrong type")]
    [InlineData("{\"sku\":\"A\",\"name\":\"\\u0000\"}", "name: must have 1 to 200 characters")]
    [InlineData("{\"sku\":\"A\"", "is not JSON")]
    [InlineData("[]", "has the wrong type")]
    [InlineData("null", "is null")]
    public void A_wrong_line_of_NDJSON_says_why(string line, string problem) => Assert.Contains(problem, Json(line).Problem, StringComparison.Ordinal);

    [Fact]
    public void Bytes_that_are_no_UTF_8_are_refused()
    {
        Assert.Equal("is not UTF-8", new NdjsonFormat().Read([.. "{\"sku\":\""u8, 0xFF, .. "\"}"u8], out var product));
        Assert.Null(product);
    }

    private static (ImportedProduct? Product, string? Problem) Csv(string header, string line)
    {
        var format = new CsvFormat();
        Assert.Null(format.Read(Encoding.UTF8.GetBytes(header), out _));
        var problem = format.Read(Encoding.UTF8.GetBytes(line), out var product);
        return (product, problem);
    }

    private static (ImportedProduct? Product, string? Problem) Json(string line)
    {
        var problem = new NdjsonFormat().Read(Encoding.UTF8.GetBytes(line), out var product);
        return (product, problem);
    }
}
