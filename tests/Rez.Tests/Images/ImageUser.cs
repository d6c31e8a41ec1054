using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using Commons.Accounts;
using Rez.Images;
using Rez.OpenApi;

namespace Rez.Tests.Images;

/// <summary>Staff of a product's merchant, at work on its images.</summary>
internal sealed class ImageUser(Shop shop, Login login, long product) : IDisposable
{
    public HttpClient Http => login.Http;

    public long Product => product;

    /// <param name="shop">Where.</param>
    /// <param name="from">The product, or the next one that is there; a test has its own.</param>
    public static async Task<ImageUser> OfAsync(Shop shop, long from)
    {
        var product = (await shop.IdsAsync($"SELECT id FROM products WHERE is_active AND id >= {from} ORDER BY id LIMIT 1"))[0];
        return new ImageUser(shop, await shop.LogIn(Access.Merchant, await shop.ScalarAsync<int>($"SELECT merchant_id FROM products WHERE id = {product}")), product);
    }

    public async Task<HttpResponseMessage> PostAsync(HttpContent file, string name = "file")
    {
        using var body = new MultipartFormDataContent { { file, name, "picture.bin" } };
        return await Http.PostAsync($"/api/products/{product}/images", body, TestContext.Current.CancellationToken);
    }

    public async Task<Image> UploadAsync(byte[] file)
    {
        using var response = await PostAsync(new ByteArrayContent(file));
        Assert.True(response.StatusCode == HttpStatusCode.Created, await response.Content.ReadAsStringAsync());
        return (await response.Content.ReadFromJsonAsync(ImagesJson.Default.ItemImage))!.Data;
    }

    /// <summary>The image once its job is through with it.</summary>
    public async Task<Image> SettledAsync(Image image)
    {
        for (var until = TimeProvider.System.GetTimestamp(); ; await Task.Delay(20))
        {
            if ((await ListAsync()).Single(other => other.Id == image.Id) is { State: not "received" } settled)
            {
                return settled;
            }

            Assert.True(TimeProvider.System.GetElapsedTime(until) < Shop.Wait, "its job does not end");
        }
    }

    public async Task<Image[]> ListAsync() => (await Http.GetFromJsonAsync($"/api/products/{product}/images", ImagesJson.Default.ListOfImages))!.Data;

    /// <summary>What customers see.</summary>
    public async Task<ProductImages> ShownAsync() => (await shop.ProductAsync(product)).Images;

    /// <summary>The same once it is what is expected: jobs publish a moment after they have settled.</summary>
    public async Task<ProductImages> ShownAsync(Func<ProductImages, bool> expected)
    {
        for (var until = TimeProvider.System.GetTimestamp(); ; await Task.Delay(20))
        {
            if (await ShownAsync() is var shown && (expected(shown) || TimeProvider.System.GetElapsedTime(until) > Shop.Wait))
            {
                Assert.True(expected(shown), $"{shown.Count} images are shown");
                return shown;
            }
        }
    }

    public Task<HttpResponseMessage> GetAsync(string url, string? accept = null, Action<HttpRequestHeaders>? headers = null, HttpMethod? method = null)
    {
        var request = new HttpRequestMessage(method ?? HttpMethod.Get, url);
        if (accept is not null)
        {
            request.Headers.TryAddWithoutValidation("Accept", accept);
        }

        headers?.Invoke(request.Headers);
        return shop.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    public void Dispose() => login.Dispose();
}
