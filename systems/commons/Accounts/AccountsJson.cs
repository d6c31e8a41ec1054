using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Commons.Audit;
using Commons.OpenApi;

namespace Commons.Accounts;

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, NumberHandling = JsonNumberHandling.Strict, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(Registration))]
[JsonSerializable(typeof(Credential))]
[JsonSerializable(typeof(RefreshBody))]
[JsonSerializable(typeof(ProfileChange))]
[JsonSerializable(typeof(PasswordChange))]
[JsonSerializable(typeof(Item<User>))]
[JsonSerializable(typeof(Item<LoggedIn>))]
[JsonSerializable(typeof(Item<Tokens>))]
[JsonSerializable(typeof(Item<EndedSessions>))]
[JsonSerializable(typeof(Item<SessionView[]>))]
[JsonSerializable(typeof(KeysetPage<User>))]
[JsonSerializable(typeof(KeysetPage<AuditEntry>))]
internal sealed partial class AccountsJson : JsonSerializerContext;

/// <summary>How accounts go over the wire, for other modules' endpoints.</summary>
public static class AccountsWire
{
    public static JsonTypeInfo<Item<User>> User => AccountsJson.Default.ItemUser;

    public static JsonTypeInfo<KeysetPage<User>> Users => AccountsJson.Default.KeysetPageUser;
}
