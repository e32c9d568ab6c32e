"""What must hold before an epoch is proposed; a check that can't be done is a check that fails."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db.models import Sum

from onchain.distributor import NO_ROOT, Summary, read_claimed
from onchain.errors import OnchainError
from onchain.rpc import RpcClient
from rewards.models import Entitlement, Epoch, EpochCheck
from rewards.services.gathering import epoch_before

VERIFY_TIMEOUT_S = 900
NOBODY = "0x" + "0" * 40
Verdict = tuple[bool, str]


def checks_run(client: RpcClient, *, epoch: Epoch, summary: Summary) -> bool:
    """Run every check of an epoch's proposal and store its result; returns whether all passed."""
    checks: dict[str, Callable[[], Verdict]] = {
        "root_rebuilt": lambda: _root_rebuilt(epoch),
        "parent_root": lambda: _parent_root(epoch, summary),
        "monotone": lambda: _monotone(epoch),
        "total": lambda: _total(epoch),
        "claimed": lambda: _claimed(client, epoch),
        "budget": lambda: _budget(epoch),
        "recipients": lambda: _recipients(epoch),
    }
    passed_all = True
    for code, check in checks.items():
        try:
            passed, detail = check()
        except (OnchainError, OSError, subprocess.SubprocessError) as error:
            passed, detail = False, f"The check could not be done: {error}"
        EpochCheck.objects.update_or_create(epoch=epoch, code=code, defaults={"passed": passed, "detail": detail})
        passed_all = passed_all and passed
    return passed_all


def _root_rebuilt(epoch: Epoch) -> Verdict:
    bundle = Path(settings.EVIDENCE_DIR) / epoch.evidence_name
    done = subprocess.run(  # noqa: S603 - our own program, arguments of our own
        [sys.executable, "-m", "rewards.engine", "verify", str(bundle)], capture_output=True, text=True, check=False,
        timeout=VERIFY_TIMEOUT_S, cwd=settings.BASE_DIR,
    )  # fmt: skip
    lines = done.stdout.split()
    if done.returncode != 0 or not lines or lines[-1] != epoch.root:
        return False, f"The second process did not reach {epoch.root}: {(done.stderr or done.stdout).strip()[-300:]}"
    if epoch.manifest_hash not in lines:
        return False, f"The evidence on disk is not that of the manifest {epoch.manifest_hash}."
    return True, f"A process of its own read the evidence and reached {epoch.root}."


def _parent_root(epoch: Epoch, summary: Summary) -> Verdict:
    ours, chains = epoch.parent_root or NO_ROOT, summary.active_root
    return ours == chains, f"The tree continues {ours}; the chain pays {chains}."


def _monotone(epoch: Epoch) -> Verdict:
    before = _cumulative(epoch_before(epoch))
    now = _cumulative(epoch)
    losers = [key for key, amount in before.items() if now.get(key, -1) < amount]
    if losers:
        return False, f"{len(losers)} accounts would lose something, the first is {losers[0][0]}."
    return True, f"{len(now)} accounts, {len(now) - len(before)} of them new; none has less than before."


def _total(epoch: Epoch) -> Verdict:
    gained = sum(_cumulative(epoch).values()) - sum(_cumulative(epoch_before(epoch)).values())
    return gained == epoch.paid_total, f"The accounts gain {gained}; the proposal asks for {epoch.paid_total}."


def _claimed(client: RpcClient, epoch: Epoch) -> Verdict:
    program = epoch.program
    rows = list(Entitlement.objects.filter(epoch=epoch, token=program.token).order_by("account"))
    claimed = read_claimed(
        client=client, distributor=program.distributor, token=program.token, accounts=[row.account for row in rows]
    )
    over = [row.account for row, amount in zip(rows, claimed, strict=True) if amount > row.cumulative]
    if over:
        return False, f"{over[0]} has collected more than the tree grants it."
    return True, f"{sum(claimed)} collected so far, of {sum(row.cumulative for row in rows)} granted."


def _budget(epoch: Epoch) -> Verdict:
    paid, carried_in = epoch.paid_total or 0, epoch.carried_in_total or 0
    parts = paid + (epoch.carried_out_total or 0) - carried_in + (epoch.unspent or 0)
    fits = paid <= epoch.budget + carried_in and parts == epoch.budget
    return (
        fits,
        f"Paid {paid} of a budget of {epoch.budget}, with {carried_in} carried in; {epoch.unspent} stay unspent.",
    )


def _recipients(epoch: Epoch) -> Verdict:
    refused = {NOBODY, epoch.program.token, epoch.program.distributor}
    found = Entitlement.objects.filter(epoch=epoch, account__in=refused, increment__gt=0).first()
    if found is not None:
        return False, f"{found.account} would be paid, and it can't collect."
    count = Entitlement.objects.filter(epoch=epoch, increment__gt=0).aggregate(total=Sum("increment"))
    return True, f"Every account that gains (together {int(count['total'] or 0)}) is a person's or a wallet's."


def _cumulative(epoch: Epoch | None) -> dict[tuple[str, str], int]:
    if epoch is None:
        return {}
    rows = Entitlement.objects.filter(epoch=epoch)
    return {(row.account, row.token): row.cumulative for row in rows}
