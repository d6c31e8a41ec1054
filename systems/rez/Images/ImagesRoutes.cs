using Commons.Accounts;
using Commons.Files;
using Commons.Http;
using Commons.OpenApi;
using static Commons.OpenApi.CommonParameters;

namespace Rez.Images;

/// <summary>Images of products.</summary>
internal static class ImagesRoutes
{
    private static readonly Parameter Width = new("width", typeof(int), "Pixels; the next larger width that was made is served, or the largest.") { InPath = true, Required = true };

    private static readonly Operation UploadImageOperation = new(
        "uploadImage",
        "Adds an image to a product: a JPEG, PNG or WebP file of up to 20 MiB and 50 megapixels, in the part 'file'. A job makes its sizes; the product shows it when they are made. A file that the product has already answers 200 with that image.",
        typeof(Item<Image>),
        Id)
    { Body = typeof(ImageUpload), BodyTypes = ["multipart/form-data"], Status = 201, AlsoStatuses = [200], Access = Access.Staff, Problems = [404, 408, 409, 413, 415, 422, 507] };

    private static readonly Operation ListImagesOperation = new("listImages", "A product's images in their order, and how far each one is", typeof(ListOfImages), Id) { Access = Access.Staff, Problems = [404] };

    private static readonly Operation MoveImageOperation = new("moveImage", "Puts an image at a place among its product's; the answer is all of them", typeof(ListOfImages), Id)
    { Body = typeof(ImageChange), Access = Access.Staff, Problems = [404, 413, 415] };

    private static readonly Operation DeleteImageOperation = new("deleteImage", "Takes an image away, and deletes its files", typeof(void), Id) { Status = 204, Access = Access.Staff, Problems = [404] };

    private static readonly Operation GetImageOperation = Serve("getImage", "An image, as WebP or JPEG by Accept; with strong ETag and ranges");

    private static readonly Operation HeadImageOperation = Serve("headImage", "What getImage would answer, without the image");

    public static void AddImages(this IServiceCollection services)
    {
        services.AddFiles("rez");
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Add(ImagesJson.Default));
        services.AddSingleton<ImageTable>();
        services.AddSingleton<ImageUploads>();
        services.AddSingleton<ImageRemover>();
        services.AddSingleton<ImagePublisher>();
        services.AddSingleton<ImageWorkshop>();
        services.AddSingleton<Vips>();
        services.AddSingleton<UploadImage>();
        services.AddSingleton<ListImages>();
        services.AddSingleton<EditImages>();
        services.AddSingleton<GetImage>();
    }

    public static void MapImages(this RouteTable routes)
    {
        routes.Map("POST", "/api/products/{id}/images", routes.Of<UploadImage>().HandleAsync, UploadImageOperation);
        routes.Map("GET", "/api/products/{id}/images", routes.Of<ListImages>().HandleAsync, ListImagesOperation);
        routes.Map("PUT", "/api/images/{id}", routes.Of<EditImages>().PutAsync, MoveImageOperation);
        routes.Map("DELETE", "/api/images/{id}", routes.Of<EditImages>().DeleteAsync, DeleteImageOperation);
        routes.Map("GET", "/images/{id}/{width}", routes.Of<GetImage>().HandleAsync, GetImageOperation);
        routes.Map("HEAD", "/images/{id}/{width}", routes.Of<GetImage>().HandleAsync, HeadImageOperation);
    }

    private static Operation Serve(string id, string summary) => new(id, summary, typeof(byte[]), Id, Width) { AnswerType = "image/*", Problems = [404] };
}
