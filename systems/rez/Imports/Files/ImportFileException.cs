namespace Rez.Imports.Files;

/// <summary>The file as a whole cannot be read: nothing of it is imported.</summary>
/// <param name="status">HTTP status: 400 or 413.</param>
/// <param name="message">Where, what was found, and what to do.</param>
internal sealed class ImportFileException(int status, string message) : Exception(message)
{
    public int Status => status;
}
