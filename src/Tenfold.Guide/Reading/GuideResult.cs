namespace Tenfold.Guide.Reading;

/// <summary>What reading a guide came to: a guide without errors, or errors without a guide.</summary>
/// <param name="Guide">The guide with every default resolved; null when there are errors.</param>
/// <param name="Errors">Every error, in the order of the file.</param>
public sealed record GuideResult(SystemGuide? Guide, IReadOnlyList<GuideError> Errors);

/// <summary>One thing that is wrong with a guide.</summary>
/// <param name="File">The file as the caller named it.</param>
/// <param name="Line">Line, from 1; 0 when the error is about the file as a whole.</param>
/// <param name="Column">Column, from 1; 0 when the error is about the file as a whole.</param>
/// <param name="Path">The item: <c>services.api.scale.min</c>, <c>gateway.routes[2].service</c> (lists count from 0); empty for the whole file.</param>
/// <param name="Message">What was found and what is allowed.</param>
public sealed record GuideError(string File, int Line, int Column, string Path, string Message)
{
    /// <summary>As compilers print it: <c>file:12:5: services.api.scale.min: 5 is more than max 3</c>.</summary>
    public override string ToString() =>
        (Line > 0 ? $"{File}:{Line}:{Column}: " : $"{File}: ") + (Path.Length > 0 ? $"{Path}: {Message}" : Message);
}
