using System.Buffers.Binary;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace Commons.Accounts;

/// <summary>What a password turned out to be.</summary>
public enum PasswordCheck
{
    Wrong,
    Right,

    /// <summary>Right, but kept by fewer iterations than today's: hash it again.</summary>
    RightButWeak,
}

/// <summary>
/// Hashes passwords: PBKDF2 with HMAC-SHA512 by the framework's hasher, 210,000 iterations (OWASP's figure), which is about 0.1 s of a core on
/// purpose. So an instance hashes a few at a time, and lets a few more wait for a while: logins cannot take the processor from
/// all other requests. Thread-safe.
/// </summary>
public sealed class Passwords(AccountsOptions options, TimeProvider time) : IDisposable
{
    public const int Shortest = 8;
    public const int Longest = 128;

    private const int Sha512 = 2; // the framework's KeyDerivationPrf
    private const int SaltBytes = 16;
    private const int KeyBytes = 32;

    private readonly PasswordHasher<Passwords> _hasher = new(Options.Create(new PasswordHasherOptions { IterationCount = options.PasswordIterations }));
    private readonly SemaphoreSlim _slots = new(options.HashesAtOnce);
    private readonly string _nobodys = Nobodys(options.PasswordIterations);
    private int _waiting;

    /// <summary>Whether a password may be chosen; null, or what is wrong with it.</summary>
    public static string? Fault(string? password) => password switch
    {
        null => "is missing",
        { Length: < Shortest or > Longest } => $"must have {Shortest} to {Longest} characters",
        _ when password.Contains('\0', StringComparison.Ordinal) => "must not hold NUL",
        _ when password.AsSpan().IndexOfAnyExcept(password[0]) < 0 => "must not be one character again and again",
        _ => null,
    };

    /// <summary>A turn to hash; dispose it. Null when too many wait already, or the wait took too long.</summary>
    public async Task<PasswordSlot?> EnterAsync(CancellationToken cancel)
    {
        if (Interlocked.Increment(ref _waiting) > options.HashesWaiting + options.HashesAtOnce)
        {
            Interlocked.Decrement(ref _waiting);
            return null;
        }

        try
        {
            return await _slots.WaitAsync(TimeSpan.Zero, cancel) || await WaitAsync(cancel) ? new PasswordSlot(this) : null;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    public void Dispose() => _slots.Dispose();

    internal void Leave() => _slots.Release();

    internal Task<string> HashAsync(string password) => Task.Run(() => _hasher.HashPassword(this, password));

    internal Task<PasswordCheck> VerifyAsync(string? hash, string password) => Task.Run(() => _hasher.VerifyHashedPassword(this, hash ?? _nobodys, password) switch
    {
        _ when hash is null => PasswordCheck.Wrong,
        PasswordVerificationResult.Success => PasswordCheck.Right,
        PasswordVerificationResult.SuccessRehashNeeded => PasswordCheck.RightButWeak,
        _ => PasswordCheck.Wrong,
    });

    private async Task<bool> WaitAsync(CancellationToken cancel)
    {
        using var patience = new CancellationTokenSource(options.HashPatience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancel);
        try
        {
            await _slots.WaitAsync(either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>A hash that no password has, in the framework's format 3: to check it takes as long as any.</summary>
    private static string Nobodys(int iterations)
    {
        Span<byte> bytes = stackalloc byte[13 + SaltBytes + KeyBytes];
        RandomNumberGenerator.Fill(bytes);
        bytes[0] = 1;
        BinaryPrimitives.WriteUInt32BigEndian(bytes[1..], Sha512);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[5..], (uint)iterations);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[9..], SaltBytes);
        return Convert.ToBase64String(bytes);
    }
}

/// <summary>A turn to hash.</summary>
public sealed class PasswordSlot : IDisposable
{
    private Passwords? _passwords;

    internal PasswordSlot(Passwords passwords) => _passwords = passwords;

    private Passwords Turn => _passwords ?? throw new ObjectDisposedException(nameof(PasswordSlot));

    /// <summary>As it is kept.</summary>
    public Task<string> HashAsync(string password) => Turn.HashAsync(password);

    /// <summary>Checks a password; against null, the hash of nobody, it takes as long and is wrong.</summary>
    public Task<PasswordCheck> VerifyAsync(string? hash, string password) => Turn.VerifyAsync(hash, password);

    public void Dispose() => Interlocked.Exchange(ref _passwords, null)?.Leave();
}
