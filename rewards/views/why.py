"""Why a maker did not earn more, and what to do about it: a scorecard's facts as sentences, the costliest first."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from rewards.engine.terms import MarketTerms, Terms
from rewards.models import Epoch
from rewards.selectors.makers import KindCard, MarketCard, Scorecard
from rewards.views.words import KIND_NAMES, amount_text, boost_text, bps_text, duration_text
from rewards.views.worth import Worth

LOW_UPTIME_BPS = 9_000
"""From nine tenths of the time on, presence is not what holds a maker back."""
_NAMED_MARKETS = 3
_BPS = 10_000


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: what it is, its rule and figures, what to do, and the markets where it holds.

    market: the first market that it is about; from_ms, to_ms: where sessions of its kind begin and end in the epoch.
    """

    title: str
    detail: str
    advice: str
    where: str
    weight: int
    market: str
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class Span:
    """The sessions of one kind in an epoch: from the first one's start to the last one's end, and their length."""

    start_ms: int
    end_ms: int
    length_ms: int


def spans_of(epoch: Epoch) -> dict[str, Span]:
    """Return the spans by kind of session, in one query."""
    spans: dict[str, Span] = {}
    for kind, start_ms, end_ms in epoch.sessions.order_by("start_ms").values_list("kind", "start_ms", "end_ms"):
        before = spans.get(kind, Span(start_ms, end_ms, 0))
        spans[kind] = Span(before.start_ms, end_ms, before.length_ms + end_ms - start_ms)
    return spans


_TITLES = {
    "gate": "below the least presence, so not paid at all",
    "one-side": "one side at a time",
    "absent": "not there",
    "partly": "away for part of it",
}
_DETAILS = {
    "gate": "Present {present} of the time; these hours are paid from {required} on.",
    "one-side": "Quotes counted, but never enough lots on both sides at once. One side alone is worth a part only.",
    "absent": "No quotes on both sides inside the band.",
    "partly": "Quotes on both sides inside the band for {present} of the time that the market traded.",
}
_Places = Sequence[tuple[MarketCard, KindCard]]


def reasons(*, card: Scorecard, terms: Terms, spans: Mapping[str, Span]) -> list[Reason]:
    """Return what kept the pay down, most promising first; empty when nothing in the figures stands out."""
    groups: dict[tuple[str, str], list[tuple[MarketCard, KindCard]]] = defaultdict(list)
    for market in card.markets:
        for kind in market.kinds:
            if cause := _cause(kind):
                groups[kind.kind, cause].append((market, kind))
    teller = _Teller(card, terms, spans)
    found = [teller.reason(cause, places) for (_, cause), places in groups.items()]
    found += [teller.of_cap(market) for market in card.markets if market.pay.cut_by_cap > 0]
    return sorted(found, key=lambda reason: (-reason.weight, reason.title))


def _cause(kind: KindCard) -> str:
    if kind.live_ms == 0 or (not kind.gated and kind.uptime_bps >= LOW_UPTIME_BPS):
        return ""
    if kind.present_ms == 0:
        return "one-side" if kind.credit_share_ppm else "absent"
    return "gate" if kind.gated else "partly"


@dataclass(frozen=True, slots=True)
class _Teller:
    card: Scorecard
    terms: Terms
    spans: Mapping[str, Span]
    worth: Worth = field(init=False)

    def __post_init__(self) -> None:
        lengths = {kind: span.length_ms for kind, span in self.spans.items()}
        worth = Worth(terms=self.terms, lengths_ms=lengths, is_over=not self.card.is_estimate)
        object.__setattr__(self, "worth", worth)

    def reason(self, cause: str, places: _Places) -> Reason:
        kinds = [kind for _, kind in places]
        missed = sum(kind.boost_percent * (kind.live_ms - kind.present_ms) for kind in kinds)
        present = _span([kind.uptime_bps for kind in kinds], write=lambda bps: bps_text(bps=bps))
        required = _span([kind.required_bps for kind in kinds], write=lambda bps: bps_text(bps=bps))
        span = self.spans.get(kinds[0].kind, self._whole())
        return Reason(
            title=f"{KIND_NAMES[kinds[0].kind]}, {boost_text(percent=kinds[0].boost_percent)}: {_TITLES[cause]}",
            detail=_DETAILS[cause].format(present=present, required=required),
            advice=self._advice(cause, places),
            where=_markets([market.market for market, _ in places]),
            market=places[0][0].market,
            from_ms=span.start_ms,
            to_ms=span.end_ms,
            # With the gate work was done and not paid, so it stands ahead of plain absence.
            weight=2 * missed if cause == "gate" else missed,
        )

    def of_cap(self, market: MarketCard) -> Reason:
        most = bps_text(bps=self.terms.markets[market.market].max_share_bps)
        whole = self._whole()
        return Reason(
            title="The most that one maker gets",
            detail=f"One maker gets at most {most} of a market’s budget; {self._amount(market.pay.cut_by_cap)} above "
            "it was not paid.",
            advice="More quotes in this market bring nothing more: the same lots in another market do.",
            where=market.market,
            market=market.market,
            from_ms=whole.start_ms,
            to_ms=whole.end_ms,
            weight=sum(kind.boost_percent * kind.live_ms for kind in market.kinds),
        )

    def _advice(self, cause: str, places: _Places) -> str:
        if cause == "gate":
            return f"{self._to_pass(places)} {self._gated_pay(places)}".strip()
        if cause == "partly":
            return self._missing_hours(places)
        return f"{self._rule(places)} {self._rate(places)}".strip()

    def _to_pass(self, places: _Places) -> str:
        """Say how much more presence passes the gate, and, while the epoch runs, whether it still can be reached."""
        lacking = [-(-kind.required_bps * self._length(kind) // _BPS) - kind.present_ms for _, kind in places]
        more = _span(lacking, write=lambda ms: duration_text(ms=ms))
        if not self.card.is_estimate:
            return f"It took {more} more on both sides inside the band{_each(places)}."
        left_ms = [max(0, self._length(kind) - kind.live_ms) for _, kind in places]
        if all(need > left for need, left in zip(lacking, left_ms, strict=True)):
            return "Too little of it is left in this epoch to reach that: see to the next one."
        left = _span(left_ms, write=lambda ms: duration_text(ms=ms))
        return f"Be there for {more} more of the {left} that are left{_each(places)}, and all of your time is paid."

    def _gated_pay(self, places: _Places) -> str:
        lost = sum(self.worth.credit(market, kind, credit=kind.credit) for market, kind in places)
        return f"What you quoted in it would have brought about {self._amount(lost)}." if lost else ""

    def _missing_hours(self, places: _Places) -> str:
        missing = [kind.live_ms - kind.present_ms for _, kind in places]
        length = _span(missing, write=lambda ms: duration_text(ms=ms))
        lost = sum(
            self.worth.credit(market, kind, credit=kind.credit * away // kind.present_ms)
            for (market, kind), away in zip(places, missing, strict=True)
        )
        would = "would bring" if self.card.is_estimate else "would have brought"
        worth = f" At your share while you were there, that {would} about {self._amount(lost)} more." if lost else ""
        return f"You were away for {length}{_each(places)}.{worth}"

    def _rule(self, places: _Places) -> str:
        markets = [self.terms.markets[market.market] for market, _ in places]
        return f"To be there: {presence_rule(markets, kinds=[places[0][1].kind])}"

    def _rate(self, places: _Places) -> str:
        hour = sum(self.worth.hour(market, kind) for market, kind in places)
        where = "" if len(places) == 1 else ", all these markets together"
        return f"An hour of it pays all makers up to {self._amount(hour)}{where}." if hour else ""

    def _length(self, kind: KindCard) -> int:
        """Return how much time of the kind counts for its gate: so far as is known, all of it that is announced."""
        if not self.card.is_estimate:
            return kind.live_ms
        return max(kind.live_ms, self.spans[kind.kind].length_ms) if kind.kind in self.spans else kind.live_ms

    def _whole(self) -> Span:
        epoch = self.card.epoch
        return Span(epoch.start_ms, epoch.end_ms, epoch.end_ms - epoch.start_ms)

    def _amount(self, raw: int) -> str:
        return f"{amount_text(raw=raw, decimals=self.card.token_decimals).short} {self.card.token_symbol}"


def presence_rule(markets: Sequence[MarketTerms], *, kinds: Collection[str]) -> str:
    """Say what it takes to be present in all of the markets in sessions of these kinds, by the terms."""

    def least(name: str) -> str:
        return _span([getattr(each, name) for each in markets], write=lambda lots: f"{lots:,}")

    band = _span([each.max_spread_bps[kind] for each in markets for kind in kinds], write=str)
    rest = _span([each.min_rest_ms for each in markets], write=lambda ms: duration_text(ms=ms))
    by_session = ", by market and session" if " to " in band and len(kinds) > 1 else ""
    return (
        f"{least('presence_lots')} lots on each side at once within {band} bps of the reference{by_session}, in orders "
        f"of {least('min_order_lots')} lots or more that rest for {rest}."
    )


def _span(values: Sequence[int], *, write: Callable[[int], str]) -> str:
    low, high = min(values), max(values)
    return write(low) if write(low) == write(high) else f"{write(low)} to {write(high)}"


def _each(places: _Places) -> str:
    return " in each market" if len(places) > 1 else ""


def _markets(names: Sequence[str]) -> str:
    if len(names) <= _NAMED_MARKETS + 1:
        return ", ".join(names)
    return f"{', '.join(names[:_NAMED_MARKETS])} and {len(names) - _NAMED_MARKETS} more"
