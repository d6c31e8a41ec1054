using Tenfold.Guide;
using Tenfold.Guide.Reading;

namespace ScalingDriver.Policies;

/// <summary>The rules in docs/scaling: those of the scaling guides that the reference systems come from.</summary>
public static class SeedRules
{
    /// <summary>The rules of a system's service.</summary>
    public static Scale Read(string system, string service)
    {
        var file = Path.Combine("docs", "scaling", system + ".yaml");
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, file)))
            {
                var result = GuideReader.Read(Path.Combine(folder.FullName, file));
                return result.Guide?.Services[service].Scale ?? throw new InvalidDataException($"{file} is not a valid guide: {result.Errors[0]}");
            }
        }

        throw new FileNotFoundException($"{file} is not in a folder above {AppContext.BaseDirectory}; run the bench inside the repository");
    }
}
