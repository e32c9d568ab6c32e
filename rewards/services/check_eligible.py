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
    passed = f"None of {gains} accounts and their makers is on the list ({listing.title})."
    return True, " ".join([passed, *_left_out(evidence), *stays])


def _left_out(evidence: Evidence) -> list[str]:
    """Say which holders have no weight in a vault because of the list that held when the epoch was scored."""
    venue = evidence.manifest.get("venue")
    vaults = venue.get("vaults", {}) if isinstance(venue, dict) else {}
    return [
        f"Holders of the vault {vault} without a part, since they are on a list: {', '.join(each['left_out'])}."
        for vault, each in vaults.items()
        if each.get("left_out")
    ]


def _accounts(epoch: Epoch, evidence: Evidence) -> list[str]:
    found = eligibility.listed(evidence.increments(epoch.program.token))
    makers: dict[str, list[str]] = defaultdict(list)
    held: dict[str, list[str]] = defaultdict(list)
    for row in Payment.objects.filter(epoch=epoch, account__in=found):
        (held if row.vault else makers)[row.account].append(row.vault or row.maker)
    sentences = []
    for account, sentence in found.items():
        if account in makers or account not in held:
            who = " and ".join(sorted(makers[account])) or "Its maker"
            sentences.append(f"{sentence} {who} must name another account to be paid.")
        if account in held:
            sentences.append(
                f"{sentence} It holds shares of the vault {' and '.join(sorted(held[account]))}: have the epoch scored "
                "again by a correction that reads the data again, and it has no part."
            )
    return sentences


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
