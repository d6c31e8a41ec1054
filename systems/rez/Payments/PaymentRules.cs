using Rez.Payments.Provider;

namespace Rez.Payments;

/// <summary>What follows from what the provider says.</summary>
internal enum PaymentStep
{
    /// <summary>Nothing: it is known already, or says nothing new.</summary>
    Nothing,

    /// <summary>The order is paid; when it can no longer be, the money is given back.</summary>
    Pay,

    /// <summary>Nothing was charged.</summary>
    Decline,

    /// <summary>It is asked again until it is known.</summary>
    Ask,

    /// <summary>It was charged though the order has been given up: the money is given back.</summary>
    GiveBack,
}

/// <summary>Decides what follows from what a provider says of a payment: from an answer, a webhook or a look, in whatever order and however often they come.</summary>
internal static class PaymentRules
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    /// <summary>What follows for a payment in this state.</summary>
    public static PaymentStep Next(PaymentState state, ChargeStatus said) => (state, said) switch
    {
        (PaymentState.Processing or PaymentState.Unknown, ChargeStatus.Succeeded) => PaymentStep.Pay,
        (PaymentState.Processing or PaymentState.Unknown, ChargeStatus.Declined or ChargeStatus.NotSent) => PaymentStep.Decline,
        (PaymentState.Processing, ChargeStatus.Unknown) => PaymentStep.Ask,
        (PaymentState.Declined, ChargeStatus.Succeeded) => PaymentStep.GiveBack,
        _ => PaymentStep.Nothing,
    };

    /// <summary>How long to wait before the provider is asked again: as long as it has taken so far, from 1 s to 5 min.</summary>
    public static TimeSpan Pause(TimeSpan age) => age < ShortestPause ? ShortestPause : age > LongestPause ? LongestPause : age;
}
