namespace Tenfold.Runtime.Schema;

/// <summary>One statement of a file.</summary>
/// <param name="Start">Where its text begins in the file, in characters.</param>
/// <param name="Text">Its text, without the semicolon.</param>
/// <param name="Words">Its first words (upper case, at most <see cref="SqlScript.KeptWords"/>), without comments and quoted parts.</param>
/// <param name="HasAtomicBody">Whether it holds a <c>BEGIN ATOMIC</c> body, and with it semicolons that are its own.</param>
public sealed record SqlStatement(int Start, string Text, IReadOnlyList<string> Words, bool HasAtomicBody);

/// <summary>Splits a file into statements, the way psql does: knows quotes, dollar quotes, comments and <c>BEGIN ATOMIC</c> bodies.</summary>
/// <remarks>Source: PostgreSQL's documentation, chapter 4.1 "Lexical Structure".</remarks>
public static class SqlScript
{
    /// <summary>How many words of a statement are kept.</summary>
    public const int KeptWords = 64;

    /// <summary>Every statement, in order. Total: any text is split, also one that the server will refuse.</summary>
    public static IReadOnlyList<SqlStatement> Split(string sql)
    {
        var statements = new List<SqlStatement>();
        var words = new List<string>();
        var start = -1; // of the statement; -1 while only spaces and comments were seen
        var atomic = 0; // depth of BEGIN ATOMIC … CASE … END
        var hasAtomicBody = false;
        var previous = "";
        var end = 0;
        for (var i = 0; i < sql.Length; i = end)
        {
            end = i + 1;
            var c = sql[i];
            if (char.IsWhiteSpace(c))
            {
                continue;
            }

            if (Comment(sql, i) is > 0 and var comment)
            {
                end = comment;
                continue;
            }

            if (c == ';' && atomic == 0)
            {
                Take(i);
                continue;
            }

            start = start < 0 ? i : start;
            if (Quoted(sql, i) is > 0 and var quoted)
            {
                end = quoted;
            }
            else if (IsWordStart(c))
            {
                end = WordEnd(sql, i);
                // E'..', B'..', U&'..': the letter belongs to the quotes
                if (end < sql.Length && sql[end] == '\'' && end - i == 1 && c is 'E' or 'e')
                {
                    end = QuoteEnd(sql, end, '\'', backslash: true);
                    continue;
                }

                var word = sql[i..end].ToUpperInvariant();
                atomic = Depth(atomic, word, previous);
                previous = word;
                hasAtomicBody |= atomic > 0;
                if (words.Count < KeptWords)
                {
                    words.Add(word);
                }
            }
        }

        Take(sql.Length);
        return statements;

        void Take(int at)
        {
            if (start >= 0)
            {
                statements.Add(new SqlStatement(start, sql[start..at], [.. words], hasAtomicBody));
            }

            words.Clear();
            hasAtomicBody = false;
            start = -1;
        }
    }

    private static int Depth(int atomic, string word, string previous) => (word, atomic) switch
    {
        ("ATOMIC", 0) when previous == "BEGIN" => 1,
        ("CASE", > 0) => atomic + 1,
        ("END", > 0) => atomic - 1,
        _ => atomic,
    };

    /// <summary>End of the comment that begins here, or 0. Block comments nest.</summary>
    private static int Comment(string sql, int i)
    {
        if (string.CompareOrdinal(sql, i, "--", 0, 2) == 0)
        {
            var line = sql.IndexOf('\n', i);
            return line < 0 ? sql.Length : line + 1;
        }

        if (string.CompareOrdinal(sql, i, "/*", 0, 2) != 0)
        {
            return 0;
        }

        var depth = 1;
        for (i += 2; i < sql.Length && depth > 0; i++)
        {
            if (string.CompareOrdinal(sql, i, "/*", 0, 2) == 0)
            {
                (depth, i) = (depth + 1, i + 1);
            }
            else if (string.CompareOrdinal(sql, i, "*/", 0, 2) == 0)
            {
                (depth, i) = (depth - 1, i + 1);
            }
        }

        return i;
    }

    /// <summary>End of the quoted part that begins here, or 0.</summary>
    private static int Quoted(string sql, int i) => sql[i] switch
    {
        '\'' or '"' => QuoteEnd(sql, i, sql[i], backslash: false),
        '$' => DollarEnd(sql, i),
        _ => 0,
    };

    private static int QuoteEnd(string sql, int i, char quote, bool backslash)
    {
        for (i++; i < sql.Length; i++)
        {
            if (backslash && sql[i] == '\\')
            {
                i++;
            }
            else if (sql[i] == quote)
            {
                if (i + 1 >= sql.Length || sql[i + 1] != quote)
                {
                    return i + 1;
                }

                i++; // doubled: the quote itself
            }
        }

        return sql.Length;
    }

    private static int DollarEnd(string sql, int i)
    {
        var close = i + 1;
        while (close < sql.Length && (IsWordStart(sql[close]) || (close > i + 1 && char.IsAsciiDigit(sql[close]))))
        {
            close++;
        }

        if (close >= sql.Length || sql[close] != '$')
        {
            return 0; // a parameter, $1
        }

        var tag = sql[i..(close + 1)];
        var end = sql.IndexOf(tag, close + 1, StringComparison.Ordinal);
        return end < 0 ? sql.Length : end + tag.Length;
    }

    private static bool IsWordStart(char c) => char.IsAsciiLetter(c) || c == '_' || c >= 0x80;

    private static int WordEnd(string sql, int i)
    {
        while (i < sql.Length && (IsWordStart(sql[i]) || char.IsAsciiDigit(sql[i]) || sql[i] == '$'))
        {
            i++;
        }

        return i;
    }
}
