using Npgsql;

namespace Tenfold.Jobs.Administration;

/// <summary>A worker that ends jobs of the same batch or chain at the same moment may lock the same rows the other way round.</summary>
internal static class Deadlocks
{
    private const int Most = 5;

    /// <summary>Does a whole transaction again when PostgreSQL has ended it for a deadlock.</summary>
    public static async Task<T> RetriedAsync<T>(Func<Task<T>> transaction)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await transaction();
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DeadlockDetected && attempt < Most)
            {
                // the other one has gone on meanwhile
            }
        }
    }
}
