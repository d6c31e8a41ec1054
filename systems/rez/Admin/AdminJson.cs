using System.Text.Json;
using System.Text.Json.Serialization;

namespace Rez.Admin;

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, NumberHandling = JsonNumberHandling.Strict, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(UserChange))]
internal sealed partial class AdminJson : JsonSerializerContext;
