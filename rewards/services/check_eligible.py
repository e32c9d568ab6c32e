"""The check that nobody is paid who may not be, by the lists of today: they may be newer than the epoch."""

from collections import defaultdict

from accounts import eligibility
from accounts.models import Maker
from accounts.selectors_makers import maker_problems
from rewards.models import Epoch, Payment, Withholding
from rewards.services.check_rules import Evidence, Verdict


def eligible(epoch: Epoch, evidence: Evidence) -> Verdict:
    """No account that gains is on the sanctions list, and nothing stands against a maker that is paid.

    The sentence says what to do: the maker names another account, or a treasurer withholds the maker's pay.
    """
    withheld = {row.maker: row for row in Withholding.objects.filter(epoch=epoch)}
    sentences = [*_makers(epoch, set(withheld)), *_accounts(epoch, evidence)]
    if sentences:
        return False, " ".join(sentences)
    stays = [f"The pay of {row.maker} stays with the treasury, says {row.decided_by}: {row.reason}" for row in
             withheld.values()]  # fmt: skip
    listing = eligibility.sanctions_now()
    gains = len(evidence.increments(epoch.program.token))
    return True, " ".join([f"None of {gains} accounts and their makers is on the list ({listing.title}).", *stays])


def _accounts(epoch: Epoch, evidence: Evidence) -> list[str]:
    found = eligibility.listed(evidence.increments(epoch.program.token))
    makers: dict[str, list[str]] = defaultdict(list)
    for account, maker in Payment.objects.filter(epoch=epoch, account__in=found).values_list("account", "maker"):
        makers[account].append(maker)
    return [
        f"{sentence} {' and '.join(sorted(makers[account])) or 'Its maker'} must name another account to be paid."
        for account, sentence in found.items()
    ]


def _makers(epoch: Epoch, withheld: set[str]) -> list[str]:
    paid = set(Payment.objects.filter(epoch=epoch).values_list("maker", flat=True)) - withheld
    against = {
        maker: maker_problems(maker=maker, start_ms=epoch.start_ms)
        for maker in Maker.objects.filter(slug__in=paid).order_by("slug")
    }
    return [
        f"{maker.name} may not be paid: {' '.join(reasons)} A treasurer can keep its pay back: "
        f"manage.py withhold_pay {epoch.program.slug} {epoch.number} {maker.slug} --by TREASURER --reason TEXT"
        for maker, reasons in against.items()
        if reasons
    ]
