using System.Net;

namespace Commons.Files;

/// <summary>What an error of a disk or a service means.</summary>
internal static class BlobErrors
{
    private const int NoSpace = 28; // ENOSPC
    private const int OverQuota = 122; // EDQUOT
    private const int DiskFull = unchecked((int)0x80070070); // as .NET says it when it reserves room

    public static BlobStoreException Of(Exception e, string place) => e is IOException && e.HResult is NoSpace or OverQuota or DiskFull
        ? new BlobStoreException(BlobFailure.Full, $"There is no room left in {place}.", e)
        : new BlobStoreException(BlobFailure.Unavailable, $"{place} fails: {e.Message}", e);

    public static BlobStoreException Of(Exception e, HttpStatusCode status, string place) => status == HttpStatusCode.InsufficientStorage
        ? new BlobStoreException(BlobFailure.Full, $"There is no room left in {place}.", e)
        : new BlobStoreException(BlobFailure.Unavailable, $"{place} fails{(status == default(HttpStatusCode) ? "" : $" with {(int)status}")}: {e.Message}", e);
}
