namespace Tenfold.Guide.Reading;

/// <summary>Reads a guide.</summary>
public static class GuideReader;
