using System.Text.Json;
using System.Text.Json.Serialization;
using Commons.OpenApi;
using Rez.Images;
using Rez.Imports;
using Rez.Imports.Files;
using Rez.OpenApi;
using Rez.Orders;
using Rez.Payments;
using Rez.Products;
using Rez.Reviews;
using Rez.Search;

namespace Rez;

/// <summary>What is read from requests and shown in the OpenAPI document. Answers are rendered by PostgreSQL when rows are written.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, NumberHandling = JsonNumberHandling.Strict, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(ProductChange))]
[JsonSerializable(typeof(ImportedProduct))]
[JsonSerializable(typeof(ListOf<Product>))]
[JsonSerializable(typeof(ListOf<Category>))]
[JsonSerializable(typeof(ListOf<Store>))]
[JsonSerializable(typeof(ListOf<Merchant>))]
[JsonSerializable(typeof(Item<Product>))]
[JsonSerializable(typeof(Item<Category>))]
[JsonSerializable(typeof(Item<Store>))]
[JsonSerializable(typeof(Item<Merchant>))]
[JsonSerializable(typeof(FoundEverything))]
[JsonSerializable(typeof(FoundProducts))]
[JsonSerializable(typeof(Item<Import>))]
[JsonSerializable(typeof(ListOfImports))]
[JsonSerializable(typeof(ImportJob))]
[JsonSerializable(typeof(ResizeImage))]
[JsonSerializable(typeof(DeleteImage))]
[JsonSerializable(typeof(TendImages))]
[JsonSerializable(typeof(ReconcilePayment))]
[JsonSerializable(typeof(PublishRating))]
[JsonSerializable(typeof(RefreshRatedLists))]
[JsonSerializable(typeof(OrderMail))]
[JsonSerializable(typeof(RefreshSuggestions))]
[JsonSerializable(typeof(SettleStock))]
[JsonSerializable(typeof(SweepOrders))]
[JsonSerializable(typeof(RefundPayment))]
[JsonSerializable(typeof(ProblemDocument))]
internal sealed partial class RezJson : JsonSerializerContext;
