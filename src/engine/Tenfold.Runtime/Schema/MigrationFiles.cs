using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Tenfold.Runtime.Schema;

/// <summary>One numbered SQL file.</summary>
/// <param name="Number">Its place in the order, from 1.</param>
/// <param name="Name">Its file name: <c>001-products.sql</c>.</param>
/// <param name="Path">Where it lies.</param>
/// <param name="Sql">Its text.</param>
/// <param name="Checksum">SHA-256 of its bytes, in lower-case hexadecimal.</param>
/// <param name="Statements">Its statements.</param>
public sealed record MigrationFile(int Number, string Name, string Path, string Sql, string Checksum, IReadOnlyList<SqlStatement> Statements);

/// <summary>Reads a folder of numbered SQL files.</summary>
public static partial class MigrationFiles
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Every file, in order. Files that do not end in <c>.sql</c> are not looked at.</summary>
    /// <exception cref="RuntimeException">The folder is missing or something in it is wrong: every problem at once.</exception>
    public static IReadOnlyList<MigrationFile> Read(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new RuntimeException(RuntimeFailure.Guide, $"{folder}: the schema folder is not there");
        }

        var problems = new List<string>();
        var files = new List<MigrationFile>();
        foreach (var path in Directory.EnumerateFiles(folder, "*.sql", new EnumerationOptions { MatchCasing = MatchCasing.CaseInsensitive, AttributesToSkip = FileAttributes.None }).Order(StringComparer.Ordinal))
        {
            if (NumberOf(Path.GetFileName(path)) is not { } number)
            {
                problems.Add($"{path}: the name is not NUMBER-WORDS.sql with three or more digits, lower-case letters, digits and dashes, such as 001-products.sql");
            }
            else if (ReadFile(path, number, problems) is { } file)
            {
                files.Add(file);
            }
        }

        files.Sort((a, b) => a.Number.CompareTo(b.Number));
        CheckOrder(files, problems);
        return problems.Count == 0 ? files : throw new RuntimeException(RuntimeFailure.Guide, string.Join('\n', problems));
    }

    /// <summary>The number in <c>001-products.sql</c>, or null when the name is not of this form.</summary>
    public static int? NumberOf(string name) =>
        NamePattern().Match(name) is { Success: true } match && int.TryParse(match.Groups["number"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>Line and column (from 1) of a character of a text.</summary>
    internal static (int Line, int Column) PlaceOf(string text, int at)
    {
        var before = text.AsSpan(0, Math.Clamp(at, 0, text.Length));
        return (before.Count('\n') + 1, before.Length - before.LastIndexOf('\n'));
    }

    private static MigrationFile? ReadFile(string path, int number, List<string> problems)
    {
        byte[] bytes;
        string sql;
        try
        {
            bytes = File.ReadAllBytes(path);
            sql = Strict.GetString(bytes).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException e)
        {
            problems.Add($"{path}: byte {e.Index + 1} is not UTF-8; save the file as UTF-8");
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add($"{path}: cannot be read: {e.Message}");
            return null;
        }

        var statements = SqlScript.Split(sql);
        if (statements.Count == 0)
        {
            problems.Add($"{path}: holds no statement");
        }

        foreach (var statement in statements)
        {
            if (MigrationRules.Refusal(statement) is { } refusal)
            {
                var (line, column) = PlaceOf(sql, statement.Start);
                problems.Add($"{path}:{line}:{column}: {refusal}");
            }
        }

        return new MigrationFile(number, Path.GetFileName(path), path, sql, Convert.ToHexStringLower(SHA256.HashData(bytes)), statements);
    }

    private static void CheckOrder(List<MigrationFile> files, List<string> problems)
    {
        var expected = 1;
        foreach (var file in files)
        {
            if (file.Number < expected)
            {
                problems.Add($"{file.Path}: number {file.Number} is used twice, also by {files.First(other => other.Number == file.Number).Name}; the next free one is {files[^1].Number + 1}");
                continue;
            }

            if (file.Number > expected)
            {
                problems.Add($"{file.Path}: number {expected} is missing before it; numbers start at 1 and leave no gap");
            }

            expected = file.Number + 1;
        }
    }

    [GeneratedRegex(@"^(?<number>\d{3,9})-[a-z0-9]+(-[a-z0-9]+)*\.sql\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NamePattern();
}
