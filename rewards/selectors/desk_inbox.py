"""The epochs on the treasury's desk, with how far people have come with each."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from accounts.models import User
from rewards.models import Epoch, EpochVerdict, Program
from rewards.selectors.desk_rows import DeskRows, Row
from rewards.selectors.review import ReviewState, state_of_verdicts
from rewards.selectors.rows import EpochRow, epoch_row


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    """An epoch that waits for the treasury, or that stopped and needs a look."""

    epoch: EpochRow
    program_name: str
    token_symbol: str
    token_decimals: int
    needs_decision: bool
    people: ReviewState
    signed: int
    threshold: int


def inbox_rows(*, rows: DeskRows, now_ms: int) -> list[InboxRow]:
    """Return epochs from scored to vetoed, those that wait for a decision first, without a query."""
    epochs = [_epoch(row) for row in rows.epochs]
    verdicts: dict[int, list[EpochVerdict]] = defaultdict(list)
    for row in rows.verdicts:
        verdicts[row["epoch_id"]].append(_verdict(row))
    signatures = _signatures(rows, epochs)
    found = []
    for epoch in epochs:
        people = state_of_verdicts(epoch, verdicts[epoch.pk])
        signed, threshold = signatures.get(epoch.pk, (0, 0))
        found.append(
            InboxRow(
                epoch=epoch_row(epoch=epoch, now_ms=now_ms), program_name=epoch.program.name,
                token_symbol=epoch.program.token_symbol, token_decimals=epoch.program.token_decimals,
                needs_decision=epoch.state == Epoch.State.PROPOSED and people.sent_back is None, people=people,
                signed=signed, threshold=threshold,
            )
        )  # fmt: skip
    return sorted(found, key=lambda row: (not row.needs_decision, -row.epoch.end_ms, row.epoch.program_slug))


def signed_by(*, rows: DeskRows, person: User) -> set[int]:
    """Return the epochs whose Safe transaction a wallet of this person has signed."""
    wallets = {address.lower() for address in [person.wallet or "", *(row["address"] for row in rows.wallets)]}
    signed = {row["transaction_id"] for row in rows.signatures if row["owner"] in wallets}
    return {row["epoch_id"] for row in rows.transactions if row["pk"] in signed}


def _signatures(rows: DeskRows, epochs: Iterable[Epoch]) -> dict[int, tuple[int, int]]:
    """Return by epoch how many present owners of its Safe have signed, and how many it takes."""
    safes = {(row["chain_id"], row["address"]): row for row in rows.safes}
    owners: dict[int, list[str]] = defaultdict(list)
    for row in rows.signatures:
        owners[row["transaction_id"]].append(row["owner"])
    by_key, found = {epoch.pk: epoch for epoch in epochs}, {}
    for row in rows.transactions:
        epoch = by_key[row["epoch_id"]]
        safe = safes.get((epoch.program.chain_id, row["safe"]))
        if row["digest"] == epoch.digest and safe is not None:
            signed = sum(1 for owner in owners[row["pk"]] if owner in safe["owners"])
            found[epoch.pk] = (signed, safe["threshold"])
    return found


def _epoch(row: Row) -> Epoch:
    return Epoch(**_own(row), program=Program(pk=row["program_id"], **_related(row, "program")))


def _verdict(row: Row) -> EpochVerdict:
    columns = _own(row) | {"at": dt.datetime.fromisoformat(row["at"])}
    return EpochVerdict(**columns, person=User(pk=row["person_id"], **_related(row, "person")))


def _own(row: Row) -> dict[str, object]:
    return {name: value for name, value in row.items() if "__" not in name and name not in ("program_id", "person_id")}


def _related(row: Row, name: str) -> dict[str, object]:
    return {key.removeprefix(f"{name}__"): value for key, value in row.items() if key.startswith(f"{name}__")}
