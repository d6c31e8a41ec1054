using System.Text.Json;
using System.Text.Json.Serialization;
using Commons.OpenApi;

namespace Rez.Images;

/// <summary>Bodies and answers of images.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, NumberHandling = JsonNumberHandling.Strict, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(Item<Image>))]
[JsonSerializable(typeof(ListOfImages))]
[JsonSerializable(typeof(ImageChange))]
[JsonSerializable(typeof(ImageUpload))]
[JsonSerializable(typeof(byte[]))]
internal sealed partial class ImagesJson : JsonSerializerContext;
