using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Tenfold.AspNetCore.Metrics;

/// <summary>
/// The kit's own meters (<c>Tenfold.*</c>), and how many connections each of Npgsql's pools has, in the Prometheus text format: every
/// observable counter and gauge, read when it is asked for. Counts of one name and labels are added up; of gauges the newest tells.
/// Instruments that measure while work is done are left to OpenTelemetry, so that nothing is paid for them here. Thread-safe.
/// </summary>
internal sealed class MeterText : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly Lock _lock = new();
    private readonly SortedDictionary<(string Name, string Labels), (Instrument Instrument, double Value)> _series = [];

    public MeterText()
    {
        _listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.IsObservable && (instrument.Meter.Name.StartsWith("Tenfold.", StringComparison.Ordinal) || instrument is { Meter.Name: "Npgsql", Name: "db.client.connection.count" }))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.Start();
    }

    public void Write(StringBuilder text)
    {
        lock (_lock)
        {
            _series.Clear();
            _listener.RecordObservableInstruments();
            var last = "";
            foreach (var ((name, labels), (instrument, value)) in _series)
            {
                if (name != last)
                {
                    text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {Line(instrument.Description ?? instrument.Name)}\n# TYPE {name} {(IsCounter(instrument) ? "counter" : "gauge")}\n");
                    last = name;
                }

                text.Append(CultureInfo.InvariantCulture, $"{name}{labels} {value:0.######}\n");
            }
        }
    }

    public void Dispose() => _listener.Dispose();

    /// <summary>OpenTelemetry's rules: dots are underscores, units are words at the end, a counter ends with <c>_total</c>.</summary>
    internal static string NameOf(Instrument instrument)
    {
        var name = instrument.Name.Replace('.', '_').Replace('-', '_');
        var unit = instrument.Unit switch
        {
            "s" => "_seconds",
            "By" => "_bytes",
            _ => "",
        };
        name = name.EndsWith(unit, StringComparison.Ordinal) ? name : name + unit;
        return IsCounter(instrument) && !name.EndsWith("_total", StringComparison.Ordinal) ? name + "_total" : name;
    }

    private static bool IsCounter(Instrument instrument) => instrument is ObservableCounter<long> or ObservableCounter<int> or ObservableCounter<double>;

    private static bool IsGauge(Instrument instrument) => instrument is ObservableGauge<long> or ObservableGauge<int> or ObservableGauge<double>;

    // Called only while the lock is held: instruments are read on the thread that asks.
    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var key = (NameOf(instrument), Labels(tags));
        _series[key] = (instrument, value + (!IsGauge(instrument) && _series.TryGetValue(key, out var before) ? before.Value : 0));
    }

    private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = new StringBuilder();
        foreach (var (name, value) in tags)
        {
            labels.Append(labels.Length == 0 ? '{' : ',').Append(name.Replace('.', '_').Replace('-', '_')).Append("=\"");
            labels.Append(Convert.ToString(value, CultureInfo.InvariantCulture)?.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal));
            labels.Append('"');
        }

        return labels.Length == 0 ? "" : labels.Append('}').ToString();
    }

    private static string Line(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", " ", StringComparison.Ordinal);
}
