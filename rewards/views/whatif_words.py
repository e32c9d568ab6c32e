"""A what-if in the words and rows of its page: progress, totals, who gains and who loses, by maker, market, session."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rewards.models import WhatIfJob
from rewards.views.figures.bars import bar_lengths
from rewards.views.words import KIND_NAMES, share_text

MOST_NAMED = 5
"""So many winners and losers stand on top."""
_TOTALS = (
    ("budget", "Budget"),
    ("earned", "Earned by makers"),
    ("unspent", "Not earned"),
    ("paid", "Paid, with what was carried in"),
    ("carried_out", "Carried to the next epoch"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SideBySide:
    """One line of two amounts, in the token's smallest unit. change: in words, as +12.3%."""

    name: str
    before: int
    after: int
    market: str = ""
    length: str = "0%"

    @property
    def difference(self) -> int:
        """What the second terms pay more (below 0: less)."""
        return self.after - self.before

    @property
    def change(self) -> str:
        """The difference as part of the first amount."""
        if self.before == self.after:
            return "same"
        if not self.before:
            return "new"
        sign = "+" if self.difference > 0 else "−"
        return sign + share_text(part=abs(self.difference), whole=self.before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a what-if is. events: of the epoch that is being read, in words; percent: of all, for the bar."""

    epochs_done: int
    epochs: int
    markets_done: int
    markets: int
    events: str
    percent: int


def progress(job: WhatIfJob) -> Progress:
    """Say how far it is. Makers quote in all markets at once, so an epoch's markets are done together."""
    markets = [epoch.get("markets", 0) for epoch in job.epochs]
    done = min(job.epochs_done, len(markets))
    percent = done * 100
    events = ""
    if job.events_total:
        part = min(job.events_done, job.events_total) * 100 // job.events_total
        percent += part
        events = f"{part}% of the {job.events_total:,} events of epoch {job.epochs[done]['number']} are read"
    return Progress(
        epochs_done=done, epochs=len(markets), markets_done=sum(markets[:done]), markets=sum(markets), events=events,
        percent=percent // max(1, len(markets)),
    )  # fmt: skip


def answer_context(job: WhatIfJob, names: Mapping[str, str]) -> dict[str, Any]:
    """Lay the answer out for the page; nothing while there is none."""
    summary = job.summary
    if summary is None:
        return {}
    makers = [_row(names.get(row["maker"], row["maker"]), row) for row in summary["makers"]]
    changed = sorted((row for row in makers if row.difference), key=lambda row: -abs(row.difference))
    winners = _with_bars([row for row in changed if row.difference > 0][:MOST_NAMED])
    losers = _with_bars([row for row in changed if row.difference < 0][:MOST_NAMED])
    totals = {name: _row(label, summary["totals"][name]) for name, label in _TOTALS}
    return {
        "totals": list(totals.values()),
        "earned": totals["earned"],
        "unspent": totals["unspent"],
        "budget": totals["budget"],
        "epoch_rows": [
            {"number": row["epoch"], **{name: _row("", row[name]) for name in ("budget", "earned", "unspent")}}
            for row in summary["epochs"]
        ],
        "makers": makers,
        "winners": winners,
        "losers": losers,
        "unchanged": len(makers) - len(changed),
        "markets": [_row(row["market"], row) for row in summary["markets"]],
        "sessions": [_row(KIND_NAMES.get(row["kind"], row["kind"]), row) for row in summary["sessions"]],
        "pairs": [_row(names.get(row["maker"], row["maker"]), row, market=row["market"]) for row in summary["pairs"]],
        "pairs_left": summary["pairs_left"],
        "absent": [{"number": number, "markets": ", ".join(markets)} for number, markets in summary["absent"]],
    }


def _row(name: str, row: Mapping[str, str], *, market: str = "") -> SideBySide:
    return SideBySide(name=name, before=int(row["before"]), after=int(row["after"]), market=market)


def _with_bars(rows: list[SideBySide]) -> list[SideBySide]:
    lengths = bar_lengths(values=[abs(row.difference) for row in rows])
    return [
        SideBySide(name=row.name, before=row.before, after=row.after, length=length)
        for row, length in zip(rows, lengths, strict=True)
    ]
