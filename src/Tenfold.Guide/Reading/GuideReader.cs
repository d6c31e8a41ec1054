using System.Text;
using Tenfold.Guide.Validation;
using YamlDotNet.Core;

namespace Tenfold.Guide.Reading;

/// <summary>Reads guides. Whatever is wrong with a guide is in the result; it does not throw for bad input. Thread-safe.</summary>
public static class GuideReader
{
    /// <summary>Reads a file of at most 1 MiB, and looks whether the folders and files that it names exist.</summary>
    /// <param name="file">The guide's file; errors name it as given here.</param>
    /// <param name="environment">Values of <c>${NAME}</c>; null for an unset one. Default: this process's environment.</param>
    public static GuideResult Read(string file, Func<string, string?>? environment = null)
    {
        if (!SourceText.TryLoad(file, out var text, out var error))
        {
            return new GuideResult(null, [error]);
        }

        return Parse(text, file, environment, lookAtFiles: true);
    }

    /// <summary>Reads a text. Folders and files that it names are not looked at.</summary>
    /// <param name="yaml">The guide, at most 1 MiB.</param>
    /// <param name="file">Where it comes from: for messages and for <see cref="SystemGuide.Folder"/>.</param>
    /// <param name="environment">Values of <c>${NAME}</c>; null for an unset one. Default: this process's environment.</param>
    public static GuideResult Parse(string yaml, string file = "tenfold.yaml", Func<string, string?>? environment = null)
    {
        var error = Encoding.UTF8.GetByteCount(yaml) > SourceText.MaxBytes ? SourceText.TooBig(file) : SourceText.FindControlIn(file, yaml);
        return error is null ? Parse(yaml, file, environment, lookAtFiles: false) : new GuideResult(null, [error]);
    }

    private static GuideResult Parse(string text, string file, Func<string, string?>? environment, bool lookAtFiles)
    {
        var findings = new Findings(file);
        var root = Compose(text, findings, environment ?? Environment.GetEnvironmentVariable);
        if (root is not null)
        {
            var written = new Binder(findings).Guide(root);
            var guide = Defaults.Resolve(written with { Folder = Path.GetDirectoryName(Path.GetFullPath(file)) ?? "/" });
            GuideRules.Check(guide, findings, lookAtFiles);
            if (!findings.Any)
            {
                return new GuideResult(guide, []);
            }
        }

        return new GuideResult(null, findings.InOrder());
    }

    private static Node? Compose(string text, Findings findings, Func<string, string?> environment)
    {
        var composer = new Composer(text, new Substitution(environment), findings);
        try
        {
            var root = composer.Compose();
            if (root is null or ScalarNode { IsNull: true })
            {
                findings.Add("", new Position(1, 1), "the file is empty; a guide begins with 'system: NAME'");
                return null;
            }

            return root;
        }
        catch (YamlException e)
        {
            var (at, message) = SyntaxHint.For(text, e);
            findings.Add("", at, message);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or FormatException or OverflowException or IndexOutOfRangeException)
        {
            // The parser lets such exceptions of its own escape for some malformed escapes and tags.
            findings.Add("", composer.Reached, "not YAML: a malformed escape, tag or directive from here on");
        }

        return null;
    }
}
