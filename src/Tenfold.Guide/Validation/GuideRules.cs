using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Validation;

/// <summary>Rules beyond the type of a single value. They run over the whole guide, also over one with errors.</summary>
internal static class GuideRules
{
    public static void Check(SystemGuide guide, Findings findings, bool lookAtFiles)
    {
        if (!Names.Name().IsMatch(guide.System))
        {
            findings.Add("system", $"'{guide.System}' is not a name; allowed: {Names.Allowed}");
        }

        if (guide.Services.Count == 0)
        {
            findings.Add("services", "a system needs at least one service");
        }

        ServiceRules.Check(guide, findings);
        StoreRules.Check(guide, findings);
        GatewayRules.Check(guide, findings);
        BudgetRules.Check(guide, findings);
        RateLimitRules.Check(guide, findings);
        CacheRules.Check(guide, findings);
        QueueRules.Check(guide, findings);
        LoadRules.Check(guide, findings);
        if (lookAtFiles)
        {
            FileRules.Check(guide, findings);
        }
    }
}
