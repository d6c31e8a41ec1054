using System.Security.Cryptography;

namespace Rez.Imports.Files;

/// <summary>
/// Reads a file batch by batch: what it holds in memory is one record, one piece of the body and one batch. Dispose it. Not thread-safe.
/// </summary>
/// <param name="body">The file.</param>
/// <param name="format">How a product stands on a line.</param>
/// <param name="time">Clock.</param>
internal sealed class ImportReader(Stream body, LineFormat format, TimeProvider time) : IDisposable
{
    /// <summary>Most bytes of a file: 100 MiB.</summary>
    public const long MostBytes = 100L << 20;

    /// <summary>Most products of a file.</summary>
    public const int MostRows = 1_000_000;

    /// <summary>Wrong lines that are told of one by one; further ones are counted.</summary>
    public const int MostErrors = 100;

    /// <summary>A batch is handed out after so long, however slowly the file comes.</summary>
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(10);

    private readonly RecordSplitter _splitter = new(format.Quotes);
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _buffer = new byte[RecordSplitter.Longest + (64 << 10)];
    private int _from;
    private int _to;
    private bool _isLast;
    private int _errors;

    /// <summary>Bytes so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>Products so far, right or wrong.</summary>
    public int Rows { get; private set; }

    /// <summary>SHA-256 of the bytes so far; begins anew.</summary>
    public byte[] Sha256() => _hash.GetHashAndReset();

    /// <summary>The next lines.</summary>
    /// <param name="batch">Is emptied, and gets them; it may stay empty when the file comes slowly.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>False: the file is read, and these are its last lines.</returns>
    /// <exception cref="ImportFileException">It cannot be read as a whole.</exception>
    /// <exception cref="BadHttpRequestException">It is too large, comes too slowly, or breaks off.</exception>
    public async ValueTask<bool> ReadAsync(ImportBatch batch, CancellationToken cancel)
    {
        batch.Clear();
        var began = time.GetTimestamp();
        while (true)
        {
            Take(batch);
            if (batch.IsFull)
            {
                return true;
            }

            if (_isLast)
            {
                return false;
            }

            if (time.GetElapsedTime(began) >= Slow)
            {
                return true;
            }

            await FillAsync(cancel);
        }
    }

    /// <summary>Reads the rest for its hash and size only.</summary>
    public async Task SkipAsync(CancellationToken cancel)
    {
        while (!_isLast)
        {
            await FillAsync(cancel);
            _from = _to;
        }
    }

    public void Dispose() => _hash.Dispose();

    private async ValueTask FillAsync(CancellationToken cancel)
    {
        _buffer.AsSpan(_from, _to - _from).CopyTo(_buffer);
        (_from, _to) = (0, _to - _from);
        var read = await body.ReadAsync(_buffer.AsMemory(_to), cancel);
        _hash.AppendData(_buffer, _to, read);
        _to += read;
        Bytes += read;
        _isLast = read == 0;
        if (Bytes > MostBytes)
        {
            throw new ImportFileException(StatusCodes.Status413PayloadTooLarge, $"the file is larger than {MostBytes >> 20} MiB; split it");
        }
    }

    private void Take(ImportBatch batch)
    {
        while (!batch.IsFull)
        {
            var isRecord = _splitter.TryNext(_buffer.AsSpan(_from, _to - _from), _isLast, out var record);
            var bytes = _buffer.AsSpan(_from, record.Length);
            _from += record.Consumed;
            if (!isRecord)
            {
                return;
            }

            if (record.Length > 0 || record.IsTooLong)
            {
                Read(record, bytes, batch);
            }
        }
    }

    private void Read(FileRecord record, ReadOnlySpan<byte> bytes, ImportBatch batch)
    {
        ImportedProduct? product = null;
        var problem = record.IsTooLong ? $"is longer than {RecordSplitter.Longest >> 10} KiB" : format.Read(bytes, out product);
        if (problem is null && product is null)
        {
            return; // a header
        }

        if (++Rows > MostRows)
        {
            throw new ImportFileException(StatusCodes.Status413PayloadTooLarge, $"the file has more than {MostRows:N0} products; split it");
        }

        if (product is not null)
        {
            batch.Add(record.Line, product);
            return;
        }

        batch.Wrong++;
        if (_errors++ < MostErrors)
        {
            batch.Errors.Add(new LineError(record.Line, problem!));
        }
    }
}
