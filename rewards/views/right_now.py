"""The first thing that a maker asks: is my bot counting now, and if not, what is to be changed."""

from dataclasses import dataclass

from django.urls import reverse

from rewards.engine.terms import MarketTerms
from rewards.models import Epoch
from rewards.selectors.makers import Scorecard
from rewards.selectors.parsed_terms import terms_of
from rewards.selectors.right_now import RightNow, right_now
from rewards.views.quoted import REASON_WORDS
from rewards.views.words import duration_text, share_text

MOST_MARKETS = 12
"""More of them nobody takes in at a glance; the page has each market's own timeline."""
_PPM = 1_000_000
_NOBODYS = ("halted", "dark")
"""Not the maker's doing: nobody earns then."""


@dataclass(frozen=True, slots=True)
class Line:
    """A market: its state in a word or two, how that looks (a badge's class), a sentence, and where to look closer."""

    market: str
    state: str
    look: str
    sentence: str
    url: str


def right_now_context(*, epoch: Epoch, card: Scorecard) -> dict[str, object]:
    """Return the lines of the markets that pay most, what they come to in a sentence, and until when they are right."""
    markets = [each.market for each in sorted(card.markets, key=lambda each: -each.pay.payout)[:MOST_MARKETS]]
    found = right_now(epoch=epoch, maker=card.maker, markets=markets)
    if not found:
        return {}
    terms = terms_of(epoch=epoch)
    lines = [_line(each, terms.markets[each.market], epoch=epoch, maker=card.maker) for each in found]
    return {
        "right_now": lines,
        "right_now_summary": _summary(found),
        "right_now_ms": min(each.until_ms for each in found),
        "right_now_most": MOST_MARKETS,
        "right_now_left_out": len(card.markets) - len(markets),
    }


def _summary(found: list[RightNow]) -> str:
    counting = sum(_is_counting(each) for each in found)
    if len(found) == 1:
        return f"Your quotes {'count' if counting else 'do not count'} in {found[0].market}."
    if counting == len(found):
        return f"Your quotes count in all {counting} markets."
    if not counting:
        return f"Your quotes count in none of {len(found)} markets."
    return f"Your quotes count in {counting} of {len(found)} markets."


def _is_counting(seen: RightNow) -> bool:
    return seen.reason == "counting"


def _line(seen: RightNow, terms: MarketTerms, *, epoch: Epoch, maker: str) -> Line:
    at_ms = seen.until_ms - 1
    url = reverse("scorecard-moment", args=[maker, epoch.program.slug, epoch.number, seen.market, at_ms])
    if not _is_counting(seen):
        look = "" if seen.reason in _NOBODYS else "bad"
        return Line(seen.market, REASON_WORDS[seen.reason], look, _why_not(seen, terms), url)
    if not seen.is_present:
        return Line(seen.market, "Counting in part", "proposed", _in_part(seen, terms), url)
    return Line(seen.market, REASON_WORDS["counting"], "active", _counting(seen), url)


def _counting(seen: RightNow) -> str:
    rate = f"{share_text(part=seen.share_ppm, whole=_PPM)} of the market’s rate is yours"
    if where := _where(seen):
        rate += f", with {where}"
    gap_ms = seen.seen_ms - seen.counting_ms
    lately = f" It did not count for {duration_text(ms=gap_ms)} of the newest {duration_text(ms=seen.seen_ms)}."
    return f"{rate}.{lately if gap_ms else ''}"


def _in_part(seen: RightNow, terms: MarketTerms) -> str:
    """Say what is missing: credit is earned, and time of presence is not."""
    if seen.is_single:
        return (
            f"One side alone counts 1/{terms.two_sided_divisor} as much, and is no presence. Quote the other side too, "
            "inside the band."
        )
    return (
        f"It earns, but it is no presence: that takes {terms.presence_lots:,} lots inside the band on both sides at "
        "once."
    )


def _why_not(seen: RightNow, terms: MarketTerms) -> str:
    where = _where(seen)
    band = f"the band ends at {seen.band_bps:.0f} bps" if seen.band_bps is not None else "that is outside the band"
    return {
        "halted": "The market is halted: nobody earns, and the time is nobody’s loss.",
        "dark": (
            f"The book has no reference, so nobody earns: it needs {terms.reference_depth_lots:,} lots on each side."
        ),
        "no_quotes": "No order of your addresses is in the book. Is the bot running, with an address that counts?",
        "too_small": f"No order has the least size. An order counts from {terms.min_order_lots:,} lots on.",
        "too_young": (
            f"Your orders do not rest long enough. They count from {duration_text(ms=terms.min_rest_ms)} on: replace "
            "them less often."
        ),
        "too_far": f"Quote closer: {where}, and {band}." if where else f"Quote closer: {band}.",
        "one_sided": "Only one side is inside the band, and one side alone counts nothing. Quote the other side too.",
    }[seen.reason]


def _where(seen: RightNow) -> str:
    sides = [("bids", seen.bid_bps), ("asks", seen.ask_bps)]
    known = [f"{name} {bps:.1f} bps" for name, bps in sides if bps is not None]
    return f"{' and '.join(known)} from the reference" if known else ""
