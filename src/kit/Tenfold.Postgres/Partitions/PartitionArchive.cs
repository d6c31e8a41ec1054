using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Tenfold.Postgres.Partitions;

/// <summary>Writes tables to files: CSV with a header as PostgreSQL's COPY reads it, gzip. A file is there whole, and on disk, or not at all.</summary>
internal static class PartitionArchive
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>The file's path. Never overwrites: another content of the same name gets a number; the same content, left by an interrupted run, is kept.</summary>
    /// <param name="connection">In a transaction that keeps the table from changing.</param>
    /// <param name="table">As it stands in SQL.</param>
    /// <param name="folder">Made if need be.</param>
    /// <param name="name">The file's, without its ending.</param>
    /// <param name="cancel">Ends it; nothing is left.</param>
    public static async Task<string> WriteAsync(NpgsqlConnection connection, string table, string folder, string name, CancellationToken cancel)
    {
        Directory.CreateDirectory(folder);
        var partial = Path.Combine(folder, $".{name}.csv.gz.partial");
        try
        {
            await using (var file = new FileStream(partial, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                await using (var zip = new GZipStream(file, CompressionLevel.Optimal, leaveOpen: true))
                {
                    await using var text = new StreamWriter(zip, Utf8, 64 * 1024, leaveOpen: true);
                    using var rows = await connection.BeginTextExportAsync($"COPY (SELECT * FROM {table}) TO STDOUT (FORMAT csv, HEADER)", cancel);
                    var buffer = new char[64 * 1024];
                    while (await rows.ReadAsync(buffer, cancel) is > 0 and var count)
                    {
                        await text.WriteAsync(buffer.AsMemory(0, count), cancel);
                    }
                }

                file.Flush(flushToDisk: true);
            }

            return await KeepAsync(partial, folder, name, cancel);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    private static async Task<string> KeepAsync(string partial, string folder, string name, CancellationToken cancel)
    {
        for (var number = 1; ; number++)
        {
            var path = Path.Combine(folder, number == 1 ? $"{name}.csv.gz" : $"{name}-{number}.csv.gz");
            if (!File.Exists(path))
            {
                File.Move(partial, path);
                return path;
            }

            if (await HashAsync(path, cancel) == await HashAsync(partial, cancel))
            {
                return path;
            }
        }
    }

    private static async Task<string> HashAsync(string path, CancellationToken cancel)
    {
        await using var file = File.OpenRead(path);
        return Convert.ToHexString(await SHA256.HashDataAsync(file, cancel));
    }
}
