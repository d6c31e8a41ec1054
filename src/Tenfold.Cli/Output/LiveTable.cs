using Spectre.Console;
using Tenfold.Runtime.Control;

namespace Tenfold.Cli.Output;

/// <summary>The status table, redrawn every second on a terminal.</summary>
internal static class LiveTable
{
    private const int ShownNotes = 5;
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    /// <summary>Draws until cancelled, or until there is no status any more.</summary>
    public static async Task ShowAsync(Func<CancellationToken, Task<SystemStatus?>> status, string hint, TimeProvider time, CancellationToken cancel)
    {
        if (await status(cancel) is not { } first)
        {
            return;
        }

        await AnsiConsole.Live(Draw(first, hint, time)).StartAsync(async live =>
        {
            using var timer = new PeriodicTimer(Period, time);
            try
            {
                while (await timer.WaitForNextTickAsync(cancel) && await status(cancel) is { } now)
                {
                    live.UpdateTarget(Draw(now, hint, time));
                }
            }
            catch (OperationCanceledException)
            {
                // asked to end
            }
        });
    }

    private static Rows Draw(SystemStatus status, string hint, TimeProvider time)
    {
        var now = time.GetUtcNow();
        var rows = StatusRows.Of(status, now);
        // Narrow enough for 80 columns: the note only while there is one.
        var shown = StatusRows.Columns.Count - (rows.All(row => row.Cells[^1].Length == 0) ? 1 : 0);
        var table = new Table { Border = TableBorder.None };
        foreach (var column in StatusRows.Columns.Take(shown))
        {
            table.AddColumn(new TableColumn(new Markup($"[grey]{Markup.Escape(column)}[/]")) { NoWrap = true, Padding = new Padding(0, 0, 2, 0) });
        }

        foreach (var row in rows)
        {
            table.AddRow(row.Cells.Take(shown).Select((cell, i) => new Markup(i == 2 ? $"[{(row.Ready ? "green" : "yellow")}]{Markup.Escape(cell)}[/]" : Markup.Escape(cell))));
        }

        var notes = status.Notes.TakeLast(ShownNotes).Select(note => new Markup($"[grey]{note.Time.ToLocalTime():HH:mm:ss} {Markup.Escape(note.Text.Split('\n')[0])}[/]"));
        var scaling = StatusRows.Scaling(status, now).Select(line => new Markup(Markup.Escape(line)));
        return new Rows([new Markup($"[bold]{Markup.Escape(StatusRows.Title(status, now))}[/]"), table, .. scaling, .. notes, new Markup($"[grey]{Markup.Escape(hint)}[/]")]);
    }
}
