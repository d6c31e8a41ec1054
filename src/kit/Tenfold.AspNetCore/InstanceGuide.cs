using Microsoft.Extensions.Configuration;
using Tenfold.Guide;
using Tenfold.Guide.Reading;

namespace Tenfold.AspNetCore;

/// <summary>The guide that this instance runs under, as <c>TENFOLD_GUIDE</c> and <c>TENFOLD_SERVICE</c> name it.</summary>
/// <param name="Guide">The whole guide, every default resolved.</param>
/// <param name="Service">The service that this instance is of.</param>
internal sealed record InstanceGuide(SystemGuide Guide, Service Service)
{
    /// <summary>
    /// Reads it; null outside a system. A guide that was broken after the system's start is reported on stderr and counts as
    /// none: the instance that replaces a dead one must come up all the same.
    /// </summary>
    public static InstanceGuide? Read(IConfiguration configuration)
    {
        if (configuration["TENFOLD_GUIDE"] is not { Length: > 0 } file || configuration["TENFOLD_SERVICE"] is not { Length: > 0 } name)
        {
            return null;
        }

        var result = GuideReader.Read(file);
        if (result.Guide is { } guide && guide.Services.TryGetValue(name, out var service))
        {
            return new InstanceGuide(guide, service);
        }

        var why = result.Errors.Count > 0 ? result.Errors[0].ToString() : $"{file} has no service '{name}'";
        Console.Error.WriteLine($"The guide is not used, defaults are: {why}");
        return null;
    }
}
