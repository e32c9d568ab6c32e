"""An epoch's results, former and current, in one form, and what differs from one to the next."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rewards.models import Allocation, Carry, Correction, Entitlement, Epoch, EpochRevision, Payment, Score

Result = dict[str, list[list[str]]]
"""Lists of rows; every integer as a decimal string, since JSON's numbers end at 2**53 elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One amount before and after; the unit is that of the list it stands in."""

    what: tuple[str, ...]
    before: int
    after: int

    @property
    def difference(self) -> int:
        """After less before."""
        return self.after - self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionRow:
    """One result of an epoch. `because`: why it was replaced; empty for the current one. Amounts as in EpochRow."""

    number: int
    is_current: bool
    because: str
    corrections: tuple[Correction, ...]
    scored_at: dt.datetime | None
    root: str
    digest: str
    manifest_hash: str
    evidence_name: str
    paid_total: int | None
    unspent: int | None
    carried_out_total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From one result to the next: what changed. Amounts in the token's smallest unit; presence in ms."""

    before: RevisionRow
    after: RevisionRow
    totals: tuple[Change, ...]
    makers: tuple[Change, ...]
    accounts: tuple[Change, ...]
    markets: tuple[Change, ...]
    presence: tuple[Change, ...]
    credit: tuple[Change, ...]

    @property
    def changes_anything(self) -> bool:
        """Whether any amount is another than before."""
        return any((self.makers, self.accounts, self.markets, self.presence, self.credit))


def current_revision(*, epoch: Epoch) -> int:
    """Return the number of the epoch's current result, from 1, in one query."""
    return epoch.revisions.count() + 1


def result_rows(*, epoch: Epoch) -> Result:
    """Return the current result of an epoch as EpochRevision keeps it, in five queries."""
    scores = Score.objects.filter(epoch=epoch).order_by("market", "maker", "kind")
    allocations = Allocation.objects.filter(epoch=epoch).order_by("market", "maker")
    leaves = Entitlement.objects.filter(epoch=epoch).order_by("account", "token")
    return {
        "scores": _texts(scores.values_list("market", "maker", "kind", "credit", "present_ms", "live_ms")),
        "allocations": _texts(allocations.values_list("market", "maker", "quoting", "fills", "stress", "payout")),
        "entitlements": _texts(leaves.values_list("account", "token", "cumulative", "increment")),
        "payments": _texts(
            Payment.objects.filter(epoch=epoch).order_by("maker", "account").values_list("maker", "account", "amount")
        ),
        "carries": _texts(Carry.objects.filter(epoch=epoch).order_by("maker").values_list("maker", "amount")),
    }


def revision_rows(*, epoch: Epoch) -> tuple[RevisionRow, ...]:
    """Return all results of a scored epoch in their order, the current one last, in two queries."""
    former = epoch.revisions.defer("result").prefetch_related("corrections")
    return (*(_former_row(row) for row in former), _current_row(epoch, number=len(former) + 1))


def revision_steps(*, epoch: Epoch) -> tuple[Step, ...]:
    """Return what differed from each result to the next, the newest first, in eight queries.

    While the epoch is being scored again the last step is left out: there is nothing yet to compare with.
    """
    former = list(epoch.revisions.prefetch_related("corrections"))
    rows = [_former_row(row) for row in former]
    results: list[Mapping[str, Any]] = [row.result for row in former]
    if former and epoch.paid_total is not None:
        rows.append(_current_row(epoch, number=len(former) + 1))
        results.append(result_rows(epoch=epoch))
    pairs = zip(rows, rows[1:], results, results[1:], strict=False)
    return tuple(_step(before, after, old, new) for before, after, old, new in pairs)[::-1]


def _step(before: RevisionRow, after: RevisionRow, old: Mapping[str, Any], new: Mapping[str, Any]) -> Step:
    def changed(table: str, keys: tuple[int, ...], amount: int) -> tuple[Change, ...]:
        return changes(_sums(old[table], keys, amount), _sums(new[table], keys, amount))

    return Step(
        before=before,
        after=after,
        totals=(
            Change(what=("Paid",), before=before.paid_total or 0, after=after.paid_total or 0),
            Change(what=("Carried into the next epoch",), before=before.carried_out_total or 0,
                   after=after.carried_out_total or 0),
            Change(what=("Not earned",), before=before.unspent or 0, after=after.unspent or 0),
        ),
        makers=changed("allocations", (1,), 5),
        accounts=changed("entitlements", (0,), 3),
        markets=changed("allocations", (0, 1), 5),
        presence=changed("scores", (0, 1, 2), 4),
        credit=changed("scores", (0, 1, 2), 3),
    )  # fmt: skip


def earned_then(*, revision: EpochRevision) -> dict[str, int]:
    """Return what each maker had earned by a former result, in the token's smallest unit."""
    return {key[0]: amount for key, amount in _sums(revision.result["allocations"], (1,), 5).items()}


def changes(old: Mapping[tuple[str, ...], int], new: Mapping[tuple[str, ...], int]) -> tuple[Change, ...]:
    """Return the amounts that differ, by key; one that is missing on a side is 0 there."""
    keys = sorted({*old, *new})
    every = (Change(what=key, before=old.get(key, 0), after=new.get(key, 0)) for key in keys)
    return tuple(change for change in every if change.difference)


def _sums(rows: Iterable[list[str]], keys: tuple[int, ...], amount: int) -> dict[tuple[str, ...], int]:
    sums: dict[tuple[str, ...], int] = defaultdict(int)
    for row in rows:
        sums[tuple(row[key] for key in keys)] += int(row[amount])
    return sums


def _former_row(row: EpochRevision) -> RevisionRow:
    return RevisionRow(
        number=row.number, is_current=False, because=row.because, corrections=tuple(row.corrections.all()),
        scored_at=row.scored_at, root=row.root, digest=row.digest, manifest_hash=row.manifest_hash,
        evidence_name=row.evidence_name, paid_total=row.paid_total, unspent=row.unspent,
        carried_out_total=row.carried_out_total,
    )  # fmt: skip


def _current_row(epoch: Epoch, *, number: int) -> RevisionRow:
    return RevisionRow(
        number=number, is_current=True, because="", corrections=(), scored_at=epoch.scored_at, root=epoch.root,
        digest=epoch.digest, manifest_hash=epoch.manifest_hash, evidence_name=epoch.evidence_name,
        paid_total=epoch.paid_total, unspent=epoch.unspent, carried_out_total=epoch.carried_out_total,
    )  # fmt: skip


def _texts(rows: Iterable[tuple[object, ...]]) -> list[list[str]]:
    return [[str(value) for value in row] for row in rows]
