using Npgsql;
using Tenfold.Jobs.Schema;

namespace Tenfold.Jobs.Living;

/// <summary>
/// Hears of new jobs while its connection has nothing else to do. Behind a pooler in transaction mode there is no such thing: it waits only, and workers look
/// by themselves.
/// </summary>
internal sealed class Ear : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);

    private readonly NpgsqlConnection _connection;
    private readonly bool _isDeaf;
    private readonly Action<string> _told;
    private readonly TimeProvider _time;

    private Ear(NpgsqlConnection connection, bool isDeaf, Action<string> told, TimeProvider time)
    {
        (_connection, _isDeaf, _told, _time) = (connection, isDeaf, told, time);
        connection.Notification += Hear;
    }

    /// <param name="connection">Used by others only between two calls of <see cref="ListenAsync"/>.</param>
    /// <param name="isDeaf">It is a pooler's.</param>
    /// <param name="told">Called with what a notification says.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancel">Ends the wait.</param>
    public static async Task<Ear> OpenAsync(NpgsqlConnection connection, bool isDeaf, Action<string> told, TimeProvider time, CancellationToken cancel)
    {
        var ear = new Ear(connection, isDeaf, told, time);
        if (!isDeaf)
        {
            await ear.ExecuteAsync($"LISTEN {JobSchema.Channel}", cancel);
        }

        return ear;
    }

    /// <summary>Listens for so long.</summary>
    public async Task ListenAsync(TimeSpan until, CancellationToken cancel)
    {
        if (_isDeaf)
        {
            await Task.Delay(until, _time, cancel);
            return;
        }

        var started = _time.GetTimestamp();
        while (until - _time.GetElapsedTime(started) is var left && left > TimeSpan.FromMilliseconds(1))
        {
            await _connection.WaitAsync(left, cancel);
        }
    }

    /// <summary>The connection goes back to its pool, where nobody wants to hear of jobs.</summary>
    public async ValueTask DisposeAsync()
    {
        _connection.Notification -= Hear;
        if (_isDeaf || _connection.FullState != System.Data.ConnectionState.Open)
        {
            return;
        }

        using var limit = new CancellationTokenSource(Limit, _time);
        try
        {
            await ExecuteAsync("UNLISTEN *", limit.Token);
        }
        catch (Exception e) when (e is NpgsqlException or IOException or OperationCanceledException or InvalidOperationException)
        {
            // It is broken, and hears nothing.
        }
    }

    private void Hear(object sender, NpgsqlNotificationEventArgs notification) => _told(notification.Payload);

    private async Task ExecuteAsync(string sql, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, _connection);
        await command.ExecuteNonQueryAsync(cancel);
    }
}
