namespace Rez.Seed;

/// <summary>A department: its usual prices in dollars, whether its products are made of a material, and its categories.</summary>
internal sealed record Department(string Name, int Cheap, int Dear, bool IsMade, string[] Categories);

/// <summary>The words that the dataset is made of, read from <c>vocabulary.txt</c> in the assembly.</summary>
internal sealed class Vocabulary
{
    private static readonly string[] Pairs =
    [
        "phones", "Jeans", "Trousers", "Leggings", "Pyjamas", "Shears", "Goggles", "Binoculars", "Pliers", "rings", "links", "Socks", "Gloves",
        "Sneakers", "Boots", "Shoes", "Sandals", "Slippers", "Loafers", "Clogs", "Espadrilles", "Heels", "Flats", "Insoles", "Drumsticks", "Glasses",
    ];

    private readonly Dictionary<string, string[]> _sections = new(StringComparer.Ordinal);

    private Vocabulary()
    {
    }

    public required Department[] Departments { get; init; }

    public string[] this[string section] => _sections[section];

    public static Vocabulary Load()
    {
        using var stream = typeof(Vocabulary).Assembly.GetManifestResourceStream("vocabulary.txt")
            ?? throw new InvalidOperationException("vocabulary.txt is not in the assembly.");
        using var reader = new StreamReader(stream);
        var section = "";
        var departments = new List<Department>();
        var sections = new Dictionary<string, string[]>(StringComparer.Ordinal);
        while (reader.ReadLine() is { } line)
        {
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            if (line[0] == '[')
            {
                section = line.Trim('[', ']');
            }
            else if (section == "departments")
            {
                departments.Add(ParseDepartment(line));
            }
            else
            {
                sections[section] = line.Split(", ");
            }
        }

        var vocabulary = new Vocabulary { Departments = [.. departments] };
        foreach (var (name, words) in sections)
        {
            vocabulary._sections[name] = words;
        }

        return vocabulary;
    }

    /// <summary><c>Home &amp; Kitchen 10-220 made: Knives, Kettles</c>.</summary>
    private static Department ParseDepartment(string line)
    {
        var (head, categories) = (line[..line.IndexOf(": ", StringComparison.Ordinal)], line[(line.IndexOf(": ", StringComparison.Ordinal) + 2)..]);
        var isMade = head.EndsWith(" made", StringComparison.Ordinal);
        head = isMade ? head[..^" made".Length] : head;
        var space = head.LastIndexOf(' ');
        var prices = head[(space + 1)..].Split('-');
        return new Department(head[..space], int.Parse(prices[0]), int.Parse(prices[1]), isMade, categories.Split(", "));
    }

    /// <summary>"Coffee Makers" → "Coffee Maker"; what is sold in pairs stays. Good enough for the names in the vocabulary.</summary>
    public static string Singular(string plural) => plural switch
    {
        _ when Array.Exists(Pairs, pair => plural.EndsWith(pair, StringComparison.OrdinalIgnoreCase)) => plural,
        _ when plural.EndsWith("ies", StringComparison.Ordinal) && plural is not "Cookies" => plural[..^3] + "y",
        _ when plural.EndsWith("ives", StringComparison.Ordinal) => plural[..^3] + "fe",
        _ when plural.EndsWith("sses", StringComparison.Ordinal) || plural.EndsWith("shes", StringComparison.Ordinal)
            || plural.EndsWith("ches", StringComparison.Ordinal) || plural.EndsWith("xes", StringComparison.Ordinal) => plural[..^2],
        _ when plural.EndsWith('s') && !plural.EndsWith("Glasses", StringComparison.Ordinal) => plural[..^1],
        _ => plural,
    };

    /// <summary>"Home &amp; Kitchen" → "home-kitchen".</summary>
    public static string Slug(string name)
    {
        var slug = new System.Text.StringBuilder(name.Length);
        foreach (var c in name)
        {
            if (char.IsAsciiLetterOrDigit(c))
            {
                slug.Append(char.ToLowerInvariant(c));
            }
            else if (slug.Length > 0 && slug[^1] != '-')
            {
                slug.Append('-');
            }
        }

        return slug.ToString().TrimEnd('-');
    }
}
