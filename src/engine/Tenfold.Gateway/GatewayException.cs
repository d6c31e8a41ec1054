namespace Tenfold.Gateway;

/// <summary>Why the gateway could not start: this machine lacks or refuses something. The message names it and what to do.</summary>
public sealed class GatewayException(string message, Exception? inner = null) : Exception(message, inner);
