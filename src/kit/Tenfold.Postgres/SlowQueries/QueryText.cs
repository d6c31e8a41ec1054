using System.Text;

namespace Tenfold.Postgres.SlowQueries;

/// <summary>Texts of queries that differ only in their literals and white space are one query. Pure.</summary>
internal static class QueryText
{
    private const int Most = 2000;

    /// <summary>Literals become <c>?</c>, lists of them <c>?, …</c>, white space one blank, comments nothing. At most 2,000 characters.</summary>
    public static string Normalize(string sql)
    {
        var text = new StringBuilder(Math.Min(sql.Length, Most));
        for (var i = 0; i < sql.Length && text.Length < Most;)
        {
            var c = sql[i];
            if (char.IsWhiteSpace(c) || IsComment(sql, i))
            {
                i = AfterBlank(sql, i);
                if (text.Length > 0 && i < sql.Length)
                {
                    text.Append(' ');
                }
            }
            else if (c == '\'')
            {
                i = AfterQuoted(sql, i, '\'');
                AddLiteral(text);
            }
            else if (c == '"')
            {
                var end = AfterQuoted(sql, i, '"');
                text.Append(sql, i, end - i);
                i = end;
            }
            else if (char.IsAsciiDigit(c) && !IsInWord(text))
            {
                while (i < sql.Length && (char.IsAsciiLetterOrDigit(sql[i]) || sql[i] == '.'))
                {
                    i++;
                }

                AddLiteral(text);
            }
            else
            {
                text.Append(c);
                i++;
            }
        }

        return text.ToString();
    }

    /// <summary>The highest n of <c>$n</c>; 0 for none.</summary>
    public static int Parameters(string sql)
    {
        var most = 0;
        for (var i = 0; i + 1 < sql.Length; i++)
        {
            if (sql[i] == '\'')
            {
                i = AfterQuoted(sql, i, '\'') - 1;
            }
            else if (sql[i] == '$' && char.IsAsciiDigit(sql[i + 1]))
            {
                var n = 0;
                for (i++; i < sql.Length && char.IsAsciiDigit(sql[i]) && n < 10_000; i++)
                {
                    n = (n * 10) + sql[i] - '0';
                }

                most = Math.Max(most, n);
                i--;
            }
        }

        return most;
    }

    // "$1", "t2", "f(1" …: only what begins a word of its own is a number.
    private static bool IsInWord(StringBuilder text) => text.Length > 0 && (char.IsLetterOrDigit(text[^1]) || text[^1] is '_' or '$');

    private static void AddLiteral(StringBuilder text)
    {
        // A list of literals is as long as it happens to be.
        var before = text.ToString().TrimEnd();
        var list = before.EndsWith(',') ? before[..^1].TrimEnd() : "";
        if (list.EndsWith("?, …", StringComparison.Ordinal))
        {
            text.Length = list.Length;
        }
        else if (list.EndsWith('?'))
        {
            text.Length = list.Length;
            text.Append(", …");
        }
        else
        {
            text.Append('?');
        }
    }

    private static bool IsComment(string sql, int i) => i + 1 < sql.Length && ((sql[i] == '-' && sql[i + 1] == '-') || (sql[i] == '/' && sql[i + 1] == '*'));

    private static int AfterBlank(string sql, int i)
    {
        while (i < sql.Length)
        {
            if (char.IsWhiteSpace(sql[i]))
            {
                i++;
            }
            else if (IsComment(sql, i))
            {
                var end = sql[i] == '-' ? sql.IndexOf('\n', i) : sql.IndexOf("*/", i + 2, StringComparison.Ordinal) is >= 0 and var star ? star + 1 : -1;
                i = end < 0 ? sql.Length : end + 1;
            }
            else
            {
                break;
            }
        }

        return i;
    }

    private static int AfterQuoted(string sql, int i, char quote)
    {
        for (i++; i < sql.Length; i++)
        {
            if (sql[i] == quote)
            {
                if (i + 1 == sql.Length || sql[i + 1] != quote)
                {
                    return i + 1;
                }

                i++;
            }
        }

        return sql.Length;
    }
}
