using System.Net;
using System.Text;
using System.Text.Json;

namespace Rez.Tests.Http;

public sealed class BadInputTests(Shop shop)
{
    [Theory]
    [InlineData("/api/products?page=-1", "page")]
    [InlineData("/api/products?page=0", "page")]
    [InlineData("/api/products?page=abc", "page")]
    [InlineData("/api/products?page=", "page")]
    [InlineData("/api/products?page=101&limit=100", "page")]
    [InlineData("/api/products?page=2147483647&limit=100", "page")]
    [InlineData("/api/products?page=99999999999999999999", "page")]
    [InlineData("/api/products?limit=1e9", "limit")]
    [InlineData("/api/products?limit=0", "limit")]
    [InlineData("/api/products?limit=101", "limit")]
    [InlineData("/api/products?sort=cheap", "sort")]
    [InlineData("/api/products?sort=newest;drop table products", "sort")]
    [InlineData("/api/products?category=nonsense", "category")]
    [InlineData("/api/products?category=a%00b", "category")]
    [InlineData("/api/products?category=999999", "category")]
    [InlineData("/api/products?minPrice=abc", "minPrice")]
    [InlineData("/api/products?minPrice=1.234", "minPrice")]
    [InlineData("/api/products?minPrice=-1", "minPrice")]
    [InlineData("/api/products?maxPrice=1e30", "maxPrice")]
    [InlineData("/api/products?minPrice=20&maxPrice=10", "minPrice")]
    [InlineData("/api/products?rating=6", "rating")]
    [InlineData("/api/products?merchant=x", "merchant")]
    [InlineData("/api/products?cursor=x", "cursor")]
    [InlineData("/api/products?colour=red", "colour")]
    [InlineData("/api/products?Page=1", "Page")]
    [InlineData("/api/products?page=1&page=2", "page")]
    [InlineData("/api/products/search", "q")]
    [InlineData("/api/products/search?q=", "q")]
    [InlineData("/api/products/search?q=%20%20", "q")]
    [InlineData("/api/products/search?q=a%00b", "q")]
    [InlineData("/api/products/search?q=a&page=11&limit=100", "page")]
    [InlineData("/api/products/search?q=a&limit=-5", "limit")]
    [InlineData("/api/products/featured?limit=51", "limit")]
    [InlineData("/api/categories?level=none", "level")]
    [InlineData("/api/categories?limit=501", "limit")]
    [InlineData("/api/stores?merchant=-3", "merchant")]
    [InlineData("/api/merchants?q=x", "q")]
    [InlineData("/api/search?q=", "q")]
    [InlineData("/api/products/1?x=1", "x")]
    public async Task A_wrong_parameter_is_a_400_that_names_it(string path, string name)
    {
        var problem = await ProblemAsync(await shop.Http.GetAsync(path), 400);
        Assert.True(problem.GetProperty("errors").TryGetProperty(name, out _), problem.ToString());
    }

    [Theory]
    [InlineData("/api/products/abc")]
    [InlineData("/api/products/0")]
    [InlineData("/api/products/-1")]
    [InlineData("/api/products/1.5")]
    [InlineData("/api/products/99999999999999999999")]
    [InlineData("/api/categories/x")]
    [InlineData("/api/stores/x")]
    [InlineData("/api/merchants/x")]
    public async Task A_path_that_is_no_id_is_a_400(string path) => await ProblemAsync(await shop.Http.GetAsync(path), 400);

    [Theory]
    [InlineData("/api/products/987654321")]
    [InlineData("/api/products/9223372036854775807")]
    [InlineData("/api/categories/999")]
    [InlineData("/api/stores/999999999999")]
    [InlineData("/api/merchants/999999")]
    [InlineData("/api/nothing")]
    [InlineData("/")]
    public async Task What_is_not_there_is_a_404(string path) => await ProblemAsync(await shop.Http.GetAsync(path), 404);

    [Theory]
    [InlineData("POST", "/api/products/1")]
    [InlineData("POST", "/api/products")]
    [InlineData("PUT", "/api/categories")]
    public async Task A_method_that_is_not_offered_is_a_405_that_says_which_are(string method, string path)
    {
        using var response = await shop.Http.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        Assert.NotEmpty(response.Content.Headers.Allow);
        await ProblemAsync(response, 405);
    }

    [Fact]
    public async Task A_query_of_100_KB_is_a_400_document()
    {
        await ProblemAsync(await shop.Http.GetAsync("/api/products/search?q=" + new string('x', 100_000)), 400);
        await ProblemAsync(await shop.Http.GetAsync("/api/search?q=" + new string('x', 201)), 400);
    }

    [Fact]
    public async Task A_hundred_parameters_are_a_400() =>
        await ProblemAsync(await shop.Http.GetAsync("/api/products?" + string.Join('&', Enumerable.Range(0, 100).Select(n => $"p{n}=1"))), 400);

    [Theory]
    [InlineData("", 400)]
    [InlineData("{", 400)]
    [InlineData("null", 400)]
    [InlineData("[]", 400)]
    [InlineData("{}", 400)]
    [InlineData("""{"name":""}""", 400)]
    [InlineData("""{"name":null}""", 400)]
    [InlineData("""{"name":1}""", 400)]
    [InlineData("""{"name":"a\u0000b"}""", 400)]
    [InlineData("""{"name":"a","name":"b"}""", 400)]
    [InlineData("""{"price":0}""", 400)]
    [InlineData("""{"price":1.005}""", 400)]
    [InlineData("""{"price":1e300}""", 400)]
    [InlineData("""{"price":"12"}""", 400)]
    [InlineData("""{"categoryId":999999}""", 400)]
    [InlineData("""{"isActive":"yes"}""", 400)]
    [InlineData("""{"name":"\ud800"}""", 400)]
    [InlineData("""{"name":"   "}""", 400)]
    [InlineData("""{"price":79228162514264337593543950335}""", 400)]
    [InlineData("""{"colour":"red"}""", 400)]
    [InlineData("""{"id":5}""", 400)]
    public async Task A_wrong_change_is_a_problem_that_changes_nothing(string body, int status)
    {
        var before = await shop.ProductAsync(17);
        await ProblemAsync(await shop.Admin.PatchAsync("/api/products/17", Json(body)), status);
        Assert.Equal(before, await shop.ProductAsync(17));
    }

    [Fact]
    public async Task A_body_that_is_not_JSON_is_a_415_and_a_large_one_a_413()
    {
        await ProblemAsync(await shop.Admin.PatchAsync("/api/products/17", new StringContent("name=x", Encoding.UTF8, "application/x-www-form-urlencoded")), 415);
        using var odd = new ByteArrayContent("{}"u8.ToArray());
        odd.Headers.TryAddWithoutValidation("Content-Type", "application/json; charset=klingon");
        await ProblemAsync(await shop.Admin.PatchAsync("/api/products/17", odd), 415);
        using var broken = new ByteArrayContent([.. "{\"name\":\""u8, 0xff, .. "\"}"u8]);
        broken.Headers.TryAddWithoutValidation("Content-Type", "application/json");
        await ProblemAsync(await shop.Admin.PatchAsync("/api/products/17", broken), 400);
        await ProblemAsync(await shop.Admin.PatchAsync("/api/products/17", Json("{\"name\":\"" + new string('x', 2 << 20) + "\"}")), 413);
    }

    [Fact]
    public async Task A_PUT_that_lacks_fields_names_them_all()
    {
        var problem = await ProblemAsync(await shop.Admin.PutAsync("/api/products/17", Json("""{"name":"x"}""")), 400);
        Assert.Equal(["brand", "categoryId", "description", "isActive", "isFeatured", "price"], problem.GetProperty("errors").EnumerateObject().Select(error => error.Name).Order());
    }

    private static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");

    private static async Task<JsonElement> ProblemAsync(HttpResponseMessage response, int status)
    {
        using (response)
        {
            var body = await response.Content.ReadAsStringAsync();
            Assert.True((HttpStatusCode)status == response.StatusCode, $"{(int)response.StatusCode}: {body}");
            Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.ToString());
            var problem = JsonDocument.Parse(body).RootElement.Clone();
            Assert.Equal(status, problem.GetProperty("status").GetInt32());
            Assert.NotEmpty(problem.GetProperty("title").GetString()!);
            return problem;
        }
    }
}
