using System.Net;
using System.Net.Mail;
using System.Text;

namespace Commons.Mail;

/// <summary>A mail to one person.</summary>
/// <param name="Id">Names it, in letters, digits, dots and hyphens: the same mail sent again has the same one, so that it can be recognised.</param>
/// <param name="To">Address.</param>
/// <param name="ToName">Name.</param>
/// <param name="Subject">One line.</param>
/// <param name="Text">Plain text.</param>
public sealed record Mail(string Id, string To, string ToName, string Subject, string Text);

/// <summary>
/// Gives mails to an SMTP server, or puts them into a folder as .eml files. A mail that is sent again after a lost answer has the same
/// Message-ID, which mail programs show once; in the folder it replaces itself. Thread-safe.
/// </summary>
public sealed class Mailer(MailOptions options)
{
    /// <summary>Sends a mail.</summary>
    /// <exception cref="SmtpException">The server refuses it or cannot be reached.</exception>
    /// <exception cref="IOException">The folder cannot be written to.</exception>
    public async Task SendAsync(Mail mail, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(mail);
        using var message = new MailMessage(options.From, new MailAddress(mail.To, mail.ToName, Encoding.UTF8))
        {
            Subject = mail.Subject, SubjectEncoding = Encoding.UTF8, Body = mail.Text, BodyEncoding = Encoding.UTF8,
        };
        message.Headers.Add("Message-ID", $"<{mail.Id}@{options.From.Host}>");
        message.Headers.Add("Auto-Submitted", "auto-generated"); // RFC 3834: no answers of absent people
        if (options.Host is null)
        {
            await SpoolAsync(message, mail.Id, cancel);
            return;
        }

        using var client = new SmtpClient(options.Host, options.Port) { EnableSsl = options.Tls };
        if (options.User is not null)
        {
            client.Credentials = new NetworkCredential(options.User, options.Password);
        }

        await client.SendMailAsync(message, cancel);
    }

    private async Task SpoolAsync(MailMessage message, string id, CancellationToken cancel)
    {
        // The client names files as it likes: written aside, then moved, so that nobody sees half a mail.
        var aside = Path.Combine(options.Spool, ".new", Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(aside);
        try
        {
            using var client = new SmtpClient { DeliveryMethod = SmtpDeliveryMethod.SpecifiedPickupDirectory, PickupDirectoryLocation = aside };
            await client.SendMailAsync(message, cancel);
            File.Move(Directory.GetFiles(aside).Single(), Path.Combine(options.Spool, id + ".eml"), overwrite: true);
        }
        finally
        {
            Directory.Delete(aside, recursive: true);
        }
    }
}
