"""How a what-if is told: tables for people, and the same figures as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rewards.engine.allocation import byte_order
from rewards.engine.terms import Terms
from rewards.engine.texttable import amount_text, change_text, percent_text, table
from rewards.engine.whatif import Outcome

TOTALS = ("budget", "earned", "unspent", "paid", "carried_out")
_TOTAL_NAMES = {
    "budget": "budget",
    "earned": "earned by makers",
    "unspent": "unspent",
    "paid": "paid now, with what was carried in",
    "carried_out": "carried to the next epoch",
}


def notes(terms: Terms, other: Terms, *, name: str) -> list[str]:
    """Return a sentence for everything in which other terms are not of the same epoch, programme or token."""
    said = []
    if other.epoch != terms.epoch:
        said.append(
            f"{name} is of epoch {other.epoch.number}, {other.epoch.start_ms} to {other.epoch.end_ms} ms; its epoch is "
            f"left aside, the bundle's ({terms.epoch.number}, {terms.epoch.start_ms} to {terms.epoch.end_ms} ms) holds."
        )
    if other.program != terms.program:
        said.append(f"{name} is of the programme {other.program}, the bundle of {terms.program}.")
    if other.token != terms.token:
        said.append(f"{name} pays another token ({other.token}), so amounts before and after are not of one kind.")
    return said


@dataclass(frozen=True)
class Comparison:
    """Two outcomes of the same quotes side by side."""

    before: Outcome
    after: Outcome

    def rows(self) -> list[tuple[str, str, int, int]]:
        """Return (maker, market, before, after) wherever either is not 0, by maker and market."""
        keys = {*self.before.payouts, *self.after.payouts}
        order = sorted(keys, key=lambda key: (byte_order(key[0]), byte_order(key[1])))
        return [(*key, self.before.payouts.get(key, 0), self.after.payouts.get(key, 0)) for key in order]

    def makers(self) -> list[tuple[str, int, int]]:
        """Return (maker, before, after) over all markets."""
        makers = sorted({*self.before.earned, *self.after.earned}, key=byte_order)
        return [(maker, self.before.earned.get(maker, 0), self.after.earned.get(maker, 0)) for maker in makers]

    def totals(self) -> dict[str, tuple[int, int]]:
        """Return each total before and after."""
        before, after = _totals(self.before), _totals(self.after)
        return {name: (before[name], after[name]) for name in TOTALS}

    def to_json(self) -> dict[str, object]:
        """Return the comparison with amounts as decimal strings."""
        return {
            "epoch": self.before.terms.epoch.number,
            "program": self.before.terms.program,
            "rows": [{"maker": maker, "market": market} | _pair(b, a) for maker, market, b, a in self.rows()],
            "makers": [{"maker": maker} | _pair(b, a) for maker, b, a in self.makers()],
            "totals": {name: _pair(b, a) for name, (b, a) in self.totals().items()},
        }

    def lines(self, *, decimals: int | None, before_name: str, after_name: str) -> list[str]:
        """Return the comparison as tables."""
        heading = ["before", "after", "difference", "change"]
        markets = [[maker, market, *_cells(b, a, decimals)] for maker, market, b, a in self.rows()]
        makers = [[maker, "all markets", *_cells(b, a, decimals)] for maker, b, a in self.makers()]
        totals = [[_TOTAL_NAMES[name], *_cells(b, a, decimals)] for name, (b, a) in self.totals().items()]
        return [
            f"Epoch {self.before.terms.epoch.number} of {self.before.terms.program}: before by {before_name}, "
            f"after by {after_name}. {_unit(self.before.terms, decimals)}",
            "",
            *table(["maker", "market", *heading], markets, left=2),
            "",
            *table(["maker", "", *heading], makers, left=2),
            "",
            *table(["total", *heading], totals, left=1),
        ]


@dataclass(frozen=True)
class Sweep:
    """The outcomes over a grid: `points` are the values of the parameters, as written, and what they pay."""

    names: Sequence[str]
    base: Outcome
    points: Sequence[tuple[Sequence[str], Outcome]]

    def to_json(self) -> dict[str, object]:
        """Return the grid with amounts as decimal strings, every maker's too; `values` follow `parameters`."""
        return {
            "epoch": self.base.terms.epoch.number,
            "program": self.base.terms.program,
            "parameters": list(self.names),
            "base": _outcome_json(self.base),
            "points": [{"values": list(values)} | _outcome_json(outcome) for values, outcome in self.points],
        }

    def lines(self, *, decimals: int | None) -> list[str]:
        """Return the grid as one table; its first row is by the bundle's own terms."""
        heading = [*self.names, "earned", "unspent", "paid", "paid makers", "largest share", "of"]
        rows = [["(bundle)", *[""] * (len(self.names) - 1), *_point_cells(self.base, decimals)]]
        rows += [[*values, *_point_cells(outcome, decimals)] for values, outcome in self.points]
        return [
            f"Epoch {self.base.terms.epoch.number} of {self.base.terms.program}, {len(self.points)} points; the first "
            f"row is by the bundle's own terms. {_unit(self.base.terms, decimals)}",
            "",
            *table(heading, rows, left=0, left_last=True),
        ]


def _totals(outcome: Outcome) -> dict[str, int]:
    return {
        "budget": outcome.terms.budget,
        "earned": outcome.earned_total,
        "unspent": outcome.unspent,
        "paid": outcome.paid_total,
        "carried_out": sum(outcome.carried_out.values()),
    }


def _pair(before: int, after: int) -> dict[str, str]:
    return {"before": str(before), "after": str(after), "difference": str(after - before)}


def _cells(before: int, after: int, decimals: int | None) -> list[str]:
    amounts = [amount_text(amount, decimals=decimals) for amount in (before, after, after - before)]
    return [*amounts, change_text(before=before, after=after)]


def _outcome_json(outcome: Outcome) -> dict[str, object]:
    largest = outcome.largest
    return {
        **{name: str(amount) for name, amount in _totals(outcome).items()},
        "paid_makers": len(outcome.paid),
        "largest_share": {"maker": largest[0], "bps": largest[1]} if largest else None,
        "makers": {
            maker: {"earned": str(outcome.earned.get(maker, 0)), "paid": str(outcome.paid.get(maker, 0))}
            for maker in _makers(outcome.earned, outcome.paid)
        },
    }


def _makers(*amounts: Mapping[str, int]) -> list[str]:
    return sorted({maker for each in amounts for maker in each}, key=byte_order)


def _point_cells(outcome: Outcome, decimals: int | None) -> list[str]:
    amounts = (outcome.earned_total, outcome.unspent, outcome.paid_total)
    maker, share_bps = outcome.largest or ("", 0)
    return [
        *[amount_text(amount, decimals=decimals) for amount in amounts],
        str(len(outcome.paid)),
        percent_text(share_bps) if maker else "",
        maker,
    ]


def _unit(terms: Terms, decimals: int | None) -> str:
    if decimals is None:
        return f"Amounts are in the smallest unit of {terms.token}."
    return f"Amounts are in tokens of 10^{decimals} smallest units of {terms.token}, cut off after six places."
