"""The text files of an evidence bundle as rows and back, without touching a disk.

Source: docs/spec/evidence.md. Readers raise BundleError with the file's name and the line.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence

from rewards.engine.actions import ACTION_KINDS, SPLIT, Action
from rewards.engine.allocation import AllocationRow, Leaf, byte_order
from rewards.engine.errors import BundleError, EngineError, InputError
from rewards.engine.jsontext import canonical_json, parse_strict
from rewards.engine.scoring import ScoreRow
from rewards.engine.sessions import Sessions
from rewards.engine.splits import Split, check_splits
from rewards.engine.vaults import Vaults

SESSIONS, MAKERS, PAYOUTS = "sessions.csv", "makers.csv", "payouts.csv"
CARRIED_IN, CARRIED_OUT = "carried_in.csv", "carried_out.csv"
PREVIOUS = "previous_cumulative.json"
VAULTS, HOLDERS = "vaults.csv", "holders.csv"
SCORES, ALLOCATIONS = "scores.csv", "allocations.csv"
SPLITS, ACTIONS = "splits.csv", "actions.csv"

HEADERS = {
    SESSIONS: ("start_ms", "end_ms", "kind"),
    MAKERS: ("address", "maker"),
    PAYOUTS: ("maker", "account", "share_ppm"),
    CARRIED_IN: ("maker", "amount"),
    CARRIED_OUT: ("maker", "amount"),
    SPLITS: ("market", "time_ms", "new", "old"),
    ACTIONS: (
        "market",
        "kind",
        "from_ms",
        "to_ms",
        "new",
        "old",
        "entered_by",
        "confirmed_by",
        "reason",
        "source",
    ),
    SCORES: ("market", "maker", "kind", "credit", "present_ms", "live_ms"),
    VAULTS: ("vault", "maker", "operator"),
    HOLDERS: ("vault", "account", "weight"),
    ALLOCATIONS: ("market", "maker", "quoting", "fills", "stress", "payout"),
}
_WHOLE = re.compile(r"0|[1-9][0-9]{0,99}")


def read_sessions(raw: bytes) -> Sessions:
    """Read sessions.csv."""
    rows = [
        (_whole(SESSIONS, line, start), _whole(SESSIONS, line, end), kind)
        for line, (start, end, kind) in _rows(SESSIONS, raw)
    ]
    try:
        return Sessions.from_rows(rows)
    except EngineError as error:
        raise BundleError(file=SESSIONS, reason=str(error).removesuffix(".")) from error


def read_makers(raw: bytes) -> dict[str, str]:
    """Read makers.csv: enrolled address to maker."""
    makers: dict[str, str] = {}
    for line, (address, maker) in _rows(MAKERS, raw):
        if address in makers:
            raise BundleError(file=MAKERS, reason=f"line {line}: the address {address} is there twice")
        makers[address] = maker
    return makers


def read_payouts(raw: bytes) -> dict[str, list[tuple[str, int]]]:
    """Read payouts.csv: maker to (account, share_ppm), in payout order."""
    payouts: dict[str, list[tuple[str, int]]] = {}
    for line, (maker, account, share_ppm) in _rows(PAYOUTS, raw):
        payouts.setdefault(maker, []).append((account, _whole(PAYOUTS, line, share_ppm)))
    return payouts


def read_carried_in(raw: bytes) -> dict[str, int]:
    """Read carried_in.csv: maker to amount."""
    carried: dict[str, int] = {}
    for line, (maker, amount) in _rows(CARRIED_IN, raw):
        if maker in carried:
            raise BundleError(file=CARRIED_IN, reason=f"line {line}: the maker {maker} is there twice")
        carried[maker] = _whole(CARRIED_IN, line, amount)
    return carried


def read_vaults(vaults: bytes, holders: bytes) -> Vaults:
    """Read vaults.csv and holders.csv, whose rows rise by vault and then by maker or account. Raises InputError too."""
    operators: dict[tuple[str, str], str] = {}
    before: tuple[str, str] | None = None
    for line, (vault, maker, operator) in _rows(VAULTS, vaults):
        before = _rises(VAULTS, line, before, (vault, maker))
        operators[vault, maker] = operator
    held: dict[str, dict[str, int]] = {}
    before = None
    for line, (vault, account, weight) in _rows(HOLDERS, holders):
        before = _rises(HOLDERS, line, before, (vault, account))
        held.setdefault(vault, {})[account] = _whole(HOLDERS, line, weight)
    return Vaults(operators=operators, holders=held)


def read_previous(raw: bytes) -> list[Leaf]:
    """Read previous_cumulative.json: (account, token, amount)."""
    try:
        rows = parse_strict(raw, document=PREVIOUS)
    except EngineError as error:
        raise BundleError(file=PREVIOUS, reason=str(error).removesuffix(".")) from error
    if not isinstance(rows, list):
        raise BundleError(file=PREVIOUS, reason='it has to be a list of [account, token, "amount"]')
    leaves: list[Leaf] = []
    for number, row in enumerate(rows):
        if not (isinstance(row, list) and len(row) == 3 and all(isinstance(each, str) for each in row)):
            raise BundleError(file=PREVIOUS, reason=f'row {number} has to be [account, token, "amount"]')
        leaves.append((row[0], row[1], _whole(PREVIOUS, number, row[2])))
    return leaves


def read_splits(raw: bytes) -> list[Split]:
    """Read splits.csv."""
    splits = [
        Split(market, *(_whole(SPLITS, line, number) for number in numbers))
        for line, (market, *numbers) in _rows(SPLITS, raw)
    ]
    try:
        check_splits(splits)
    except InputError as error:
        raise BundleError(file=SPLITS, reason=error.reason) from error
    return splits


def write_splits(splits: Iterable[Split]) -> bytes:
    """Return splits.csv, by market and time."""
    order = sorted(splits, key=lambda split: (byte_order(split.market), split.time_ms))
    return _text(SPLITS, ((split.market, split.time_ms, split.new, split.old) for split in order))


def read_actions(raw: bytes) -> list[Action]:
    """Read actions.csv."""
    actions = []
    for line, (market, kind, from_ms, to_ms, new, old, *words) in _rows(ACTIONS, raw):
        if kind not in ACTION_KINDS:
            reason = f"line {line}: the kind {kind!r} is none of {', '.join(ACTION_KINDS)}"
            raise BundleError(file=ACTIONS, reason=reason)
        begins, ratio = _whole(ACTIONS, line, from_ms), (new, old) if kind == SPLIT else ("0", "0")
        ends = None if kind == SPLIT else _whole(ACTIONS, line, to_ms)
        new_shares, old_shares = (_whole(ACTIONS, line, number) for number in ratio)
        actions.append(Action(market, kind, begins, ends, new_shares, old_shares, *words))
    return actions


def write_actions(actions: Iterable[Action]) -> bytes:
    """Return actions.csv, by time; what a kind does not have is empty."""
    order = sorted(actions, key=lambda each: (each.from_ms, byte_order(each.market), each.kind))
    return _text(
        ACTIONS,
        (
            (each.market, each.kind, each.from_ms, "" if each.to_ms is None else each.to_ms, each.new or "",
             each.old or "", each.entered_by, each.confirmed_by, each.reason, each.source)
            for each in order
        ),
    )  # fmt: skip


def write_sessions(sessions: Sessions) -> bytes:
    """Return sessions.csv."""
    return _text(SESSIONS, sessions.rows)


def write_makers(makers: Mapping[str, str]) -> bytes:
    """Return makers.csv, by address."""
    return _text(MAKERS, sorted(makers.items()))


def write_payouts(payouts: Mapping[str, Sequence[tuple[str, int]]]) -> bytes:
    """Return payouts.csv, by maker, the accounts of each in payout order."""
    order = sorted(payouts, key=byte_order)
    return _text(PAYOUTS, ((maker, *share) for maker in order for share in payouts[maker]))


def write_vaults(vaults: Vaults) -> bytes:
    """Return vaults.csv, by vault and maker."""
    order = sorted(vaults.operators, key=lambda key: (byte_order(key[0]), byte_order(key[1])))
    return _text(VAULTS, ((*key, vaults.operators[key]) for key in order))


def write_holders(vaults: Vaults) -> bytes:
    """Return holders.csv, by vault and account."""
    held = vaults.holders
    return _text(
        HOLDERS, ((vault, account, held[vault][account]) for vault in sorted(held) for account in sorted(held[vault]))
    )


def write_amounts(file: str, amounts: Mapping[str, int]) -> bytes:
    """Return carried_in.csv or carried_out.csv, by maker, without zeros."""
    order = sorted(amounts, key=byte_order)
    return _text(file, ((maker, amounts[maker]) for maker in order if amounts[maker]))


def write_previous(previous: Iterable[Leaf]) -> bytes:
    """Return previous_cumulative.json, sorted."""
    return canonical_json([[account, token, str(amount)] for account, token, amount in sorted(previous)])


def write_scores(rows: Iterable[ScoreRow]) -> bytes:
    """Return scores.csv."""
    return _text(SCORES, ((r.market, r.maker, r.kind, r.credit, r.present_ms, r.live_ms) for r in rows))


def write_allocations(rows: Iterable[AllocationRow]) -> bytes:
    """Return allocations.csv."""
    return _text(ALLOCATIONS, ((r.market, r.maker, r.quoting, r.fills, r.stress, r.payout) for r in rows))


def _text(file: str, rows: Iterable[Sequence[object]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADERS[file])
    writer.writerows(rows)
    return out.getvalue().encode("utf-8")


def _rows(file: str, raw: bytes) -> list[tuple[int, list[str]]]:
    """Return the rows below the header, each with its line number."""
    header = list(HEADERS[file])
    try:
        reader = csv.reader(io.StringIO(raw.decode("utf-8"), newline=""), strict=True)
        lines = [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BundleError(file=file, reason=f"it is not CSV in UTF-8 ({error})") from error
    if not lines or lines[0][1] != header:
        raise BundleError(file=file, reason=f"the first line has to be {','.join(header)}")
    for line, row in lines[1:]:
        if len(row) != len(header):
            raise BundleError(file=file, reason=f"line {line} has to hold {len(header)} values")
    return lines[1:]


def _rises(file: str, line: int, before: tuple[str, str] | None, key: tuple[str, str]) -> tuple[str, str]:
    if before is not None and (byte_order(key[0]), byte_order(key[1])) <= (
        byte_order(before[0]),
        byte_order(before[1]),
    ):
        raise BundleError(file=file, reason=f"line {line}: the rows have to rise by {' and '.join(HEADERS[file][:2])}")
    return key


def _whole(file: str, line: int, text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise BundleError(file=file, reason=f"line {line}: {text[:40]!r} is not a whole number")
    return int(text)
