"""What two versions of the terms say differently, in plain words; what is alike in all markets is said once."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rewards.views.terms_fields import BOOSTS, MARKET_TERMS, UNSPENT, Unit, curve_words, general_terms, value_at

_NONE = "not there"


@dataclass(frozen=True, slots=True)
class Difference:
    """One change. `where` is empty for what concerns the whole programme, else it names the markets."""

    where: str
    label: str
    before: str
    after: str


def terms_differences(*, before: Mapping[str, Any], after: Mapping[str, Any], unit: Unit) -> list[Difference]:
    """Say what changes from one document to the other. unit: of the token's amounts.

    Both are sound terms of one programme; an `epoch` in them is not looked at.
    """
    found = [
        Difference("", term.label, unit.words(int(before[term.key])), unit.words(int(after[term.key])))
        for term in general_terms(unit)
        if before[term.key] != after[term.key]
    ]
    if before["unspent"] != after["unspent"]:
        found.append(Difference("", "What nobody earns", UNSPENT[before["unspent"]], UNSPENT[after["unspent"]]))
    for term in BOOSTS:
        old, new = value_at(before, term.path), value_at(after, term.path)
        if old != new:
            found.append(Difference("", term.label, term.unit.words(old), term.unit.words(new)))
    return found + _markets(before["markets"], after["markets"])


def _markets(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    turns: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in sorted(before.keys() ^ after.keys()):
        turns[_paid(before.get(name)), _paid(after.get(name))].append(name)
    found = [
        Difference(", ".join(names), "Market" if len(names) == 1 else "Markets, each", old, now)
        for (old, now), names in turns.items()
    ]
    both = sorted(before.keys() & after.keys())
    changes: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for name in both:
        for change in _market(before[name], after[name]):
            changes[change].append(name)
    for (label, old, now), names in changes.items():
        found.append(Difference(_where(names, len(both)), label, old, now))
    return found


def _market(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    found = []
    for term in MARKET_TERMS:
        old, new = value_at(before, term.path), value_at(after, term.path)
        if old != new:
            label = f"Fast market: {term.label[:1].lower()}{term.label[1:]}" if term.path[0] == "stress" else term.label
            found.append((label, _words(old, term.unit), _words(new, term.unit)))
    if before["curve"] != after["curve"]:
        found.append(("Weight of an order", curve_words(before["curve"]), curve_words(after["curve"])))
    return found


def _words(value: int | None, unit: Unit) -> str:
    return _NONE if value is None else unit.words(value)


def _paid(market: Mapping[str, Any] | None) -> str:
    return _NONE if market is None else f"{_words(market['weight_bps'], MARKET_TERMS[0].unit)} of the budget"


def _where(names: list[str], count: int) -> str:
    if len(names) == count and count > 1:
        return f"All {count} markets" if count > 2 else "Both markets"
    return ", ".join(names)
