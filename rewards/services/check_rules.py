"""What each check of an epoch compares; every rule answers with a verdict and one plain sentence.

Figures come from the evidence on disk, whose hashes and root a second process has checked, and from the chain.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from onchain.distributor import NO_ROOT, Summary, read_claimed
from onchain.rpc import RpcClient
from rewards.engine.jsontext import parse_strict
from rewards.models import CheckWaiver, Entitlement, Epoch, Payment, Program

VERIFY_TIMEOUT_S = 900
NOBODY = "0x" + "0" * 40
OUTLIER_EPOCHS = 8
OUTLIER_TIMES = 4
"""An account stands out when its share of the budget is more than so many times its largest of those epochs…"""
OUTLIER_FLOOR_PPM = 50_000
"""…and more than this share of the budget: small accounts may do as they like."""
PPM = 1_000_000
BPS = 10_000
Verdict = tuple[bool, str]
Leaves = dict[tuple[str, str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the bundle says, read once for all rules. `leaves`, `before`: (account, token) to cumulative amount."""

    manifest: dict[str, object]
    leaves: Leaves
    before: Leaves

    def increments(self, token: str) -> dict[str, int]:
        """Return what each account gains in a token, those that gain nothing left out."""
        gains = {
            account: amount - self.before.get((account, leaf_token), 0)
            for (account, leaf_token), amount in self.leaves.items()
            if leaf_token == token
        }
        return {account: gain for account, gain in gains.items() if gain}


def bundle_of(epoch: Epoch) -> Path:
    """Return the folder with the epoch's evidence."""
    return Path(settings.EVIDENCE_DIR) / epoch.evidence_name


def read_evidence(epoch: Epoch) -> Evidence:
    """Return what the epoch's bundle says. Raises OSError, ValueError and EngineError when it can't be read."""
    folder = bundle_of(epoch)
    manifest = parse_strict((folder / "manifest.json").read_bytes(), document="manifest.json")
    tree = json.loads((folder / "tree.json").read_bytes())
    leaves = {(row["value"][0].lower(), row["value"][1].lower()): int(row["value"][2]) for row in tree["values"]}
    previous = folder / "previous_cumulative.json"
    rows = json.loads(previous.read_bytes()) if previous.exists() else []
    before = {(account.lower(), token.lower()): int(amount) for account, token, amount in rows}
    return Evidence(manifest=manifest, leaves=leaves, before=before)


def root_rebuilt(epoch: Epoch) -> Verdict:
    """Have a process of its own recompute the root, without database, network or key, in bounded time."""
    done = subprocess.run(  # noqa: S603 - our own program, arguments of our own
        [sys.executable, "-m", "rewards.engine", "verify", str(bundle_of(epoch))], capture_output=True, text=True,
        check=False, timeout=VERIFY_TIMEOUT_S, cwd=settings.BASE_DIR,
    )  # fmt: skip
    lines = done.stdout.split()
    if done.returncode != 0 or not lines or lines[-1] != epoch.root:
        return False, f"The second process did not reach {epoch.root}: {(done.stderr or done.stdout).strip()[-300:]}"
    if epoch.manifest_hash not in lines:
        return False, f"The evidence on disk is not that of the manifest {epoch.manifest_hash}."
    return True, f"A process of its own read the evidence and reached {epoch.root}."


def evidence_names(epoch: Epoch, evidence: Evidence) -> Verdict:
    """Compare where the evidence says that it belongs, and the figures of our pages with it."""
    program = epoch.program
    expected = {
        "program": program.slug, "epoch": epoch.number, "chain_id": program.chain_id, "distributor": program.distributor
    }  # fmt: skip
    for field, value in expected.items():
        if evidence.manifest.get(field) != value:
            return False, f"The evidence is of {field} {evidence.manifest.get(field)}, this epoch's is {value}."
    rows = Entitlement.objects.filter(epoch=epoch)
    stored = {(row.account, row.token): row.cumulative for row in rows}
    if stored != evidence.leaves:
        odd = sorted(key[0] for key in {*stored, *evidence.leaves} if stored.get(key) != evidence.leaves.get(key))
        return False, f"{len(odd)} accounts have other amounts on our pages than in the evidence, first {odd[0]}."
    return True, f"Chain, contract and {len(stored)} amounts on our pages are those of the evidence."


def parent_root(epoch: Epoch, evidence: Evidence, summary: Summary) -> Verdict:
    """The root that the tree continues is the one that the chain pays now."""
    ours, chains = evidence.manifest.get("previous_root") or NO_ROOT, summary.active_root
    return ours == chains == (epoch.parent_root or NO_ROOT), f"The tree continues {ours}; the chain pays {chains}."


def monotone(evidence: Evidence) -> Verdict:
    """No account disappears, none has less than before."""
    gone = [account for account, token in evidence.before if (account, token) not in evidence.leaves]
    if gone:
        return False, f"{len(gone)} accounts of the tree before are missing, first {gone[0]}."
    losers = [key[0] for key, amount in evidence.before.items() if evidence.leaves[key] < amount]
    if losers:
        return False, f"{len(losers)} accounts would have less than before, first {losers[0]}."
    now, before = len(evidence.leaves), len(evidence.before)
    return True, f"{now} accounts, {now - before} of them new; none has less than before."


def total(epoch: Epoch, evidence: Evidence) -> Verdict:
    """What is asked for is the sum of what the accounts gain, and all of it is in the programme's token."""
    gains = evidence.increments(epoch.program.token)
    others = sum(evidence.leaves.values()) - sum(evidence.before.values()) - sum(gains.values())
    if others:
        return False, f"Accounts gain {others} in tokens that the proposal does not pay for."
    money = epoch.program.exact_amount
    asked = "nothing" if epoch.paid_total is None else money(epoch.paid_total)
    return sum(gains.values()) == epoch.paid_total, (
        f"The accounts gain {money(sum(gains.values()))}; the proposal asks for {asked}."
    )


def claimed(client: RpcClient, epoch: Epoch, evidence: Evidence) -> Verdict:
    """By the chain's own view nobody has collected more than the tree grants."""
    program = epoch.program
    accounts = sorted(account for account, token in evidence.leaves if token == program.token)
    paid = read_claimed(client=client, distributor=program.distributor, token=program.token, accounts=accounts)
    granted = [evidence.leaves[(account, program.token)] for account in accounts]
    over = [account for account, has, may in zip(accounts, paid, granted, strict=True) if has > may]
    if over:
        return False, f"{over[0]} has collected more than the tree grants it."
    money = program.exact_amount
    return True, f"{money(sum(paid))} collected so far, of {money(sum(granted))} granted."


def budget(epoch: Epoch) -> Verdict:
    """The total is within the budget and what was carried in, and nothing is unaccounted for."""
    paid, carried_in = epoch.paid_total or 0, epoch.carried_in_total or 0
    parts = paid + (epoch.carried_out_total or 0) - carried_in + (epoch.unspent or 0)
    fits = paid <= epoch.budget + carried_in and parts == epoch.budget
    money = epoch.program.exact_amount
    return fits, (
        f"Paid {money(paid)} of a budget of {money(epoch.budget)}, with {money(carried_in)} carried in; "
        f"{money(epoch.unspent or 0)} stay unspent."
    )


def account_limit(epoch: Epoch, evidence: Evidence) -> Verdict:
    """No account gains more than the programme lets one account gain in an epoch."""
    gains = evidence.increments(epoch.program.token)
    limit_bps = epoch.program.account_limit_bps
    most = limit_bps * (epoch.budget + (epoch.carried_in_total or 0)) // BPS
    account, gain = max(gains.items(), key=lambda item: (item[1], item[0]), default=("nobody", 0))
    money = epoch.program.exact_amount
    percent = f"{limit_bps // 100}.{limit_bps % 100:02d}%"
    limit = f"one account may gain at most {money(most)} ({percent} of budget and carried in)"
    if gain > most:
        return False, f"{account} would gain {money(gain)}; {limit}."
    return True, f"The largest gain is {money(gain)}; {limit}."


def recipients(epoch: Epoch, evidence: Evidence) -> Verdict:
    """No money goes to a token, a distributor or the zero address: none of them could ever collect it."""
    refused = {NOBODY}
    for token, distributor in Program.objects.values_list("token", "distributor"):
        refused |= {token, distributor}
    gains = evidence.increments(epoch.program.token)
    # Anybody can send shares of a vault to such a contract; that must not hold up everybody else's pay.
    through = _through_vaults(epoch)
    found = sorted(account for account in refused & gains.keys() if gains[account] > through.get(account, 0))
    if found:
        return False, f"{found[0]} would be paid, and it can't collect."
    if sent := len(refused & gains.keys()):
        return True, (
            f"No maker pays a token, a distributor or the zero address; {sent} of them hold shares of a vault that"
            " somebody sent there, and what falls to those stays in the distributor."
        )
    return True, f"None of the {len(gains)} accounts that gain is a token, a distributor or the zero address."


def outliers(epoch: Epoch, evidence: Evidence) -> Verdict:
    """No account's share of the budget stands out against the last epochs, unless a person has looked and said why."""
    earlier = list(
        Epoch.objects.filter(program_id=epoch.program_id, number__lt=epoch.number, paid_total__gt=0)
        .exclude(state=Epoch.State.VETOED)
        .order_by("-number")[:OUTLIER_EPOCHS]
    )
    if not earlier:
        return True, "There is no earlier epoch to compare with; this is the first that pays."
    gains = _by_payee(epoch, evidence.increments(epoch.program.token))
    odd = _standing_out(gains, budget_total=epoch.budget, earlier=earlier)
    if not odd:
        return True, f"Every share is within {OUTLIER_TIMES} times its largest of the last {len(earlier)} epochs."
    waiver = CheckWaiver.objects.filter(epoch=epoch, code="outliers", root=epoch.root).first()
    if waiver is not None:
        return True, f"{len(odd)} accounts stand out, first {odd[0]}; {waiver.given_by} has looked: {waiver.reason}"
    return False, (
        f"{len(odd)} accounts gain far more than in the last {len(earlier)} epochs, first {odd[0]}. Look at its maker's"
        f" scorecard; if it is right: manage.py accept_outliers {epoch.program.slug} {epoch.number} --reason TEXT"
        " --by NAME"
    )


def _by_payee(epoch: Epoch, gains: dict[str, int]) -> dict[str, int]:
    """Return who is paid by the makers themselves: a vault as one, whoever holds its shares this time."""
    through = _through_vaults(epoch)
    payees = {account: gain - through.get(account, 0) for account, gain in gains.items()}
    for row in epoch.vaults.all():
        payees[row.vault] = payees.get(row.vault, 0) + row.amount
    return {account: gain for account, gain in payees.items() if gain > 0}


def _through_vaults(epoch: Epoch) -> dict[str, int]:
    """Return what each account gains through vaults."""
    gains: dict[str, int] = {}
    for account, amount in Payment.objects.filter(epoch=epoch).exclude(vault="").values_list("account", "amount"):
        gains[account] = gains.get(account, 0) + amount
    return gains


def _standing_out(gains: dict[str, int], *, budget_total: int, earlier: list[Epoch]) -> list[str]:
    """Return the accounts that stand out, by address. New accounts are measured by the largest share of anybody."""
    largest: dict[str, int] = {}
    for row in earlier:
        rows = Entitlement.objects.filter(epoch=row, increment__gt=0).values_list("account", "increment")
        for account, gain in _by_payee(row, dict(rows)).items():
            largest[account] = max(largest.get(account, 0), gain * PPM // row.budget)
    anybody = max(largest.values(), default=0)
    shares = {account: gain * PPM // budget_total for account, gain in gains.items()}
    return sorted(
        account
        for account, share in shares.items()
        if share > OUTLIER_FLOOR_PPM and share > (OUTLIER_TIMES * largest[account] if account in largest else anybody)
    )
