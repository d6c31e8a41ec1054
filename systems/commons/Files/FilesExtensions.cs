using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Commons.Files;

/// <summary>The system's store of files, as its configuration says.</summary>
public static class FilesExtensions
{
    private const string Section = "Files";

    /// <summary>
    /// Adds <see cref="IBlobStore"/>: <c>Files:S3:Bucket</c> makes it a bucket, with <c>Endpoint</c> (a service other than Amazon's), <c>Region</c>
    /// (default us-east-1), <c>AccessKey</c> and <c>SecretKey</c> (default: where Amazon's own tools look) and <c>Prefix</c>; else it is the folder
    /// <c>Files:Folder</c>, by default <c>blobs</c> in the system's (<c>TENFOLD_FILES</c>), outside of a system in that of the user's data. As environment variables: <c>Files__S3__Bucket</c>.
    /// </summary>
    /// <param name="services">The app's; with <see cref="IConfiguration"/> and <see cref="TimeProvider"/>.</param>
    /// <param name="system">Name of the default folder.</param>
    public static void AddFiles(this IServiceCollection services, string system) =>
        services.AddSingleton(provider => Make(provider.GetRequiredService<IConfiguration>(), system, provider.GetRequiredService<TimeProvider>()));

    /// <exception cref="InvalidOperationException">What is said contradicts itself.</exception>
    internal static IBlobStore Make(IConfiguration configuration, string system, TimeProvider time)
    {
        var files = configuration.GetSection(Section);
        var folder = Text(files, "Folder");
        if (Text(files, "S3:Bucket") is not { } bucket)
        {
            var path = folder ?? (Text(configuration, "TENFOLD_FILES") is { } shared ? Path.Combine(shared, "blobs")
                : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), system, "files"));
            return Path.IsPathFullyQualified(path) ? new FolderBlobStore(Path.TrimEndingDirectorySeparator(path), time)
                : throw new InvalidOperationException($"{Section}:Folder is '{path}'; it must be an absolute path, the same for all instances.");
        }

        if (folder is not null)
        {
            throw new InvalidOperationException($"{Section}:Folder and {Section}:S3:Bucket are both given; files are kept in one place.");
        }

        var endpoint = Text(files, "S3:Endpoint");
        var region = Text(files, "S3:Region") ?? "us-east-1";
        var config = new AmazonS3Config
        {
            Timeout = TimeSpan.FromSeconds(30),
            MaxErrorRetry = 2,
            // Services other than Amazon's know no checksums in trailers.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (endpoint is null)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }
        else
        {
            config.ServiceURL = endpoint;
            config.AuthenticationRegion = region;
            config.ForcePathStyle = true;
        }

        var client = (Text(files, "S3:AccessKey"), Text(files, "S3:SecretKey")) switch
        {
            ({ } key, { } secret) => new AmazonS3Client(new BasicAWSCredentials(key, secret), config),
            (null, null) => new AmazonS3Client(config),
            _ => throw new InvalidOperationException($"{Section}:S3:AccessKey and {Section}:S3:SecretKey go together; only one is given."),
        };
        var prefix = Text(files, "S3:Prefix")?.Trim('/');
        return new S3BlobStore(client, bucket, prefix is null ? "" : prefix + "/");
    }

    // The guide passes on variables that may be empty.
    private static string? Text(IConfiguration files, string key) => files[key] is { Length: > 0 } text ? text : null;
}
