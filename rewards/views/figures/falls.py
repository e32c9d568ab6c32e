"""The steps from a market's pool to a maker's pay, as rows with a bar each: where it begins and how much it takes."""

from dataclasses import dataclass

from rewards.analysis.waterfall import Waterfall

TITLES = {
    "dark": "No reference", "no_quotes": "No quotes", "too_small": "Too small", "too_young": "Too young",
    "too_far": "Too far", "one_sided": "One side only", "size": "Depth", "sides": "The smaller side",
    "distance": "Distance", "means": "Within five minutes", "boost": "Boost", "gate": "Uptime gate",
    "fills": "Fills", "stress": "Fast markets", "cap": "The most one maker gets",
}  # fmt: skip
QUESTIONS = {
    "dark": "Had the market had a reference all the time?",
    "no_quotes": "Had you had an order in the book all the time?",
    "too_small": "Had one of your orders had the least size?",
    "too_young": "Had they rested for long enough?",
    "too_far": "Had they been inside the band?",
    "one_sided": "Had both sides been inside the band?",
    "size": "While you counted: had there been nobody else, and no target?",
    "sides": "Had your smaller side been as large as the larger?",
    "distance": "Had all your lots rested at the reference?",
    "means": "What the means of five minutes, by which the three steps above are taken, leave out.",
    "boost": "Had every hour paid the same?",
    "gate": "Had you been present for the least time in every kind of session?",
    "fills": "Paid for your fills.",
    "stress": "Paid for quoting in fast markets.",
    "cap": "Had there been no limit, and had nothing unspent been shared out?",
}
_ALWAYS = ("size", "sides", "distance", "boost")


@dataclass(frozen=True, slots=True)
class Fall:
    """A row: the amounts of its step (the token's smallest unit), and its bar in per cent of the widest level."""

    title: str
    question: str
    change: int
    after: int
    x: str
    width: str
    look: str
    is_total: bool = False


def falls(*, steps: Waterfall) -> list[Fall]:
    """Lay the steps out, those of nothing left out but for the four that people look for."""
    most = max(steps.base, steps.pay, *(each.after for each in steps.steps), 1)
    rows = [_total("The market’s quoting pool", "All of it, all the time, with nobody else.", steps.base, most)]
    before = steps.base
    for each in steps.steps:
        if each.change or each.name in _ALWAYS:
            low, high = min(before, each.after), max(before, each.after)
            look = "bar good" if each.change > 0 else "bar bad"
            rows.append(Fall(TITLES[each.name], QUESTIONS[each.name], each.change, each.after, _percent(low, most),
                             _percent(high - low, most), look))  # fmt: skip
        before = each.after
    return [*rows, _total("Your pay", "", steps.pay, most)]


def summary(*, steps: Waterfall) -> str:
    """Name the step that takes most, in a sentence."""
    worst = min(steps.steps, key=lambda each: each.change)
    if worst.change >= 0:
        return "No step takes anything."
    return f"What takes most: {TITLES[worst.name].lower()}."


def _total(title: str, question: str, raw: int, most: int) -> Fall:
    return Fall(title, question, 0, raw, "0%", _percent(raw, most), "bar", is_total=True)


def _percent(part: int, whole: int) -> str:
    tenths = max(0, part) * 1000 // whole
    return f"{tenths // 10}.{tenths % 10}%"
