"""Every term as people meet it: its name, its unit, what it does. The form, the comparison and its words go by this."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rewards.views.words import KIND_NAMES

NBSP = "\N{NO-BREAK SPACE}"
_NUMBER = re.compile(r"(-?)([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.([0-9]+))?")


@dataclass(frozen=True, slots=True)
class Unit:
    """How a whole number of the terms is written: shifted by `digits` decimals, with a label behind it."""

    label: str
    digits: int = 0

    def write(self, value: int) -> str:
        """Write the number without the label, to the last digit: 5000 of 0.01% is 50."""
        whole, part = divmod(abs(value), 10**self.digits)
        digits = f"{part:0{self.digits}d}".rstrip("0") if self.digits else ""
        return f"{'-' if value < 0 else ''}{whole}{'.' if digits else ''}{digits}"

    def read(self, text: str) -> int | None:
        """Read what `write` writes, thousands with commas or not; None for anything else."""
        found = _NUMBER.fullmatch(text.strip())
        if found is None or len(found[3] or "") > self.digits:
            return None
        value = int(found[2].replace(",", "") + (found[3] or "").ljust(self.digits, "0"))
        return -value if found[1] else value

    def words(self, value: int) -> str:
        """Write the number with thousands and its label."""
        whole, point, part = self.write(value).partition(".")
        number = f"{int(whole):,}" if whole.lstrip("-") != "0" else whole
        return f"{number}{point}{part}{'' if self.label == '%' else NBSP}{self.label}"


PERCENT_OF_BPS = Unit("%", 2)
BPS = Unit("bps")
PERCENT = Unit("%")
LOTS = Unit("lots")
MS = Unit("ms")
SECONDS = Unit("s", 3)
PPM_PERCENT = Unit("%", 4)
COUNT = Unit("")


@dataclass(frozen=True, slots=True)
class Term:
    """One number of the terms. `path`: where it stands inside its document or market."""

    path: tuple[str, ...]
    label: str
    unit: Unit
    hint: str = ""

    @property
    def key(self) -> str:
        """The path as one text: `max_spread_bps.weekend`."""
        return ".".join(self.path)


BOOSTS = tuple(Term(("boosts", kind), f"{name} boost", PERCENT) for kind, name in KIND_NAMES.items())
POOLS = (
    Term(("weight_bps",), "Part of the budget", PERCENT_OF_BPS, "All markets together at most 100%."),
    Term(("quoting_share_bps",), "For quotes that rest", PERCENT_OF_BPS, "The three parts make 100% together."),
    Term(("fills_share_bps",), "For trades with others", PERCENT_OF_BPS, "Shared by value traded."),
    Term(
        ("stress_share_bps",), "For staying in fast markets", PERCENT_OF_BPS, "Needs the rules of a fast market below."
    ),
    Term(("max_share_bps",), "Most for one maker", PERCENT_OF_BPS, "Of what the market pays."),
)
COUNTING = (
    Term(("min_order_lots",), "Smallest order that counts", LOTS, "Smaller ones earn nothing."),
    Term(("min_rest_ms",), "Rest before it counts", MS, "Time on the book; 500 ms is half a second."),
    Term(("target_lots",), "Full rate from", LOTS, "With less depth on both sides the market pays less."),
    Term(("presence_lots",), "Present from", LOTS, "On each side, inside the band."),
    Term(
        ("reference_depth_lots",), "Depth behind the reference", LOTS, "The mid price is taken this deep in the book."
    ),
    Term(("two_sided_divisor",), "One side only counts 1 in", COUNT, "3: a third. 0: one side alone earns nothing."),
)
BY_KIND = (
    ("max_spread_bps", "Band", BPS, "Farther from the reference than this earns nothing."),
    ("clamp_bps", "Reference follows to", BPS, "How far from the last outside price the reference may go."),
    ("min_uptime_bps", "Least presence", PERCENT_OF_BPS, "Present for less of the time, a maker earns nothing in it."),
)
KIND_TERMS = tuple(
    Term((key, kind), f"{label}, {name.lower()}", unit, hint)
    for key, label, unit, hint in BY_KIND
    for kind, name in KIND_NAMES.items()
)
STRESS = (
    Term(("stress", "move_bps"), "Fast is a move of", BPS, "Of the reference, within the window."),
    Term(("stress", "window_ms"), "within", SECONDS, "How far back the move is looked for."),
    Term(("stress", "hold_ms"), "and it stays fast for", SECONDS, "After the last such move."),
    Term(("stress", "widen_pct"), "Band while fast", PERCENT, "Of the usual band; at least 100%."),
    Term(("stress", "full_ms"), "Full pay from", SECONDS, "With less fast time in the epoch the part pays less."),
)
MARKET_TERMS = (*POOLS, *COUNTING, *KIND_TERMS, *STRESS)
CURVES = {
    "quadratic": "Falls with the square of the distance",
    "linear": "Falls evenly",
    "steps": "Falls in steps",
}
UNSPENT = {
    "return": "stays with the treasury",
    "redistribute": "is shared among the makers who were paid",
}


def money(symbol: str, decimals: int) -> Unit:
    """Return the unit of a token's amounts."""
    return Unit(symbol, decimals)


def general_terms(unit: Unit) -> tuple[Term, ...]:
    """Return the amounts of the terms, which are strings in the document."""
    return (
        Term(("budget",), "Budget of an epoch", unit, "The most that one epoch pays, all markets together."),
        Term(("min_payout",), "Smallest payout", unit, "Less than this is carried into the next epoch."),
    )


def value_at(values: Any, path: tuple[str, ...]) -> Any:
    """Return what stands at a path, None when nothing does or the way there is no object."""
    for key in path:
        if not isinstance(values, Mapping) or key not in values:
            return None
        values = values[key]
    return values


def steps_of(curve: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the steps of a curve as far as they can be read."""
    steps = curve.get("steps") if isinstance(curve, Mapping) else None
    for row in steps if isinstance(steps, list) else ():
        if isinstance(row, list | tuple) and len(row) == 2:
            yield row[0], row[1]
        else:
            yield "", ""


def curve_words(curve: Mapping[str, Any]) -> str:
    """Say in words how an order's weight falls with its distance."""
    steps = "; ".join(
        f"{PPM_PERCENT.words(weight)} up to {PPM_PERCENT.words(edge)} of the band" for edge, weight in steps_of(curve)
    )
    text = CURVES[curve["kind"]].lower()
    return f"{text}: {steps}" if steps else text
