namespace Tenfold.Postgres;

/// <summary>
/// A pooler that gives a session's transactions to different connections of the server (PgBouncer with <c>pool_mode = transaction</c>). No
/// session keeps a setting or a prepared statement there, so none is used: readers are read-only by what the pooler does for a
/// database name of their own.
/// </summary>
/// <param name="ReaderDatabase">
/// The name that readers connect to, the same database with <c>connect_query = 'SET default_transaction_read_only = on'</c>. That it is
/// read-only is verified when a connection is made: one that is not is refused.
/// </param>
public sealed record TransactionPooler(string ReaderDatabase);
