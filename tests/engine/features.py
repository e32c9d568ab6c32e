"""Names the features of the scoring rule that matter in an epoch, by watching the second implementation at work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.engine.reference_inputs import BrokenBundleError, Bundle, read_bundle
from tests.engine.reference_market import Order, Replay
from tests.engine.reference_payouts import Payout, gated_credit, pay_epoch, pay_market

FEATURES = frozenset((
    # terms
    "several markets", "one market", "stress absent", "unspent returned", "unspent redistributed", "a boost of 0",
    "credit by quadratic", "credit by linear", "credit by steps", "steps that rise", "divisor 0", "divisor 1",
    "divisor above 1", "a side that is divided decides", "a target above the quality", "a quality above the target",
    # the book
    "an order rests at the start", "an id used again", "a partial cancel", "a whole cancel without a size",
    "a partial fill", "a fill by a stranger", "a fill by another maker", "a fill in the own cluster",
    "a fill of a stranger's order", "a fill in a halt", "an order too young", "an order too small", "an order outside",
    "a cluster quotes from two addresses", "a crossed book", "a thin book", "events at one moment",
    # the market
    "a halt", "an anchor before the start", "an anchor inside", "a reference clamped", "a reference inside the clamp",
    "a mid between two ticks", "a session that begins", "a market without credit", "a maker that is not present",
    "stress begins", "stress is extended", "a widened band", "stress in a halt", "stress in the dark",
    # the payout
    "a quoting pool", "a fills pool", "a stress pool", "full_ms above the stress", "a gate closes", "a gate holds",
    "a cap bites", "a cap of 0", "largest remainder", "nothing earned in a market",
    # the epoch
    "carried in", "carried in by a stranger", "carried out", "paid after carrying", "split over accounts",
    "dust to the first account", "an account of two makers", "no previous tree", "an empty previous tree",
    "a previous tree", "a previous leaf grows", "a previous leaf stays", "a previous leaf of another token",
    "events of an unknown market", "events after the end", "no root", "a refused payout",
))  # fmt: skip


class Watch(Replay):
    """A replay that writes down what it meets."""

    def __init__(self, bundle: Bundle, market: str) -> None:
        super().__init__(bundle, market)
        self.seen: set[str] = set()
        self.ids: set[str] = set()
        self.previous_ms: int | None = None

    def run(self) -> Any:
        tally = super().run()
        self.seen |= {f"credit by {self.terms['curve']['kind']}"} if tally.credit else {"a market without credit"}
        full_ms = self.terms.get("stress", {}).get("full_ms", 0)
        self.seen |= {"full_ms above the stress"} if full_ms > tally.stress_ms > 0 else set()
        return tally

    def apply(self, event: dict[str, Any]) -> None:
        kind, before = event["kind"], event["time_ms"] < self.start
        self.seen |= {"events at one moment"} if event["time_ms"] == self.previous_ms else set()
        self.previous_ms = event["time_ms"]
        if kind == "anchor":
            self.seen.add("an anchor before the start" if before else "an anchor inside")
        super().apply(event)
        if kind == "place":
            self.seen |= {"an id used again"} if event["order"] in self.ids else set()
            self.ids.add(event["order"])

    def take_away(self, event: dict[str, Any], broken: Any) -> None:
        order = self.orders.get(event["order"])
        if event["size"] is None:
            self.seen.add("a whole cancel without a size")
        elif order and event["size"] < order.lots:
            self.seen.add(f"a partial {event['kind']}")
        super().take_away(event, broken)

    def trade(self, order: Order, size: int, event: dict[str, Any]) -> None:
        maker, taker = self.makers.get(order.owner), self.makers.get(event["taker"])
        if maker is None:
            self.seen.add("a fill of a stranger's order")
        elif taker is None:
            self.seen.add("a fill by a stranger")
        else:
            self.seen.add("a fill in the own cluster" if taker == maker else "a fill by another maker")
        self.seen |= {"a fill in a halt"} if self.halted else set()
        super().trade(order, size, event)

    def reference(self, kind: str) -> int | None:
        reference = super().reference(kind)
        bid, ask = self.touch("bid"), self.touch("ask")
        if bid is None or ask is None:
            self.seen.add("a thin book")
        elif bid >= ask:
            self.seen.add("a crossed book")
        else:
            self.seen |= {"a mid between two ticks"} if (bid + ask) % 2 else set()
            if self.anchor is not None:
                inside = reference == bid + ask
                self.seen.add("a reference inside the clamp" if inside else "a reference clamped")
        return reference

    def look_for_stress(self, now: int, reference: int | None) -> None:
        before, running = self.stress_until, self.in_stress(now)
        super().look_for_stress(now, reference)
        if self.stress_until != before:
            self.seen.add("stress is extended" if running else "stress begins")

    def band(self, now: int, reference: int) -> int:
        v = super().band(now, reference)
        plain = reference * self.terms["max_spread_bps"][self.kind_at(now)] // 10000
        self.seen |= {"a widened band"} if v > plain else set()
        return v

    def quality(self, now: int, reference: int, v: int) -> dict[str, int]:
        quality = super().quality(now, reference, v)
        counting = self.counting(now)
        for order in self.orders.values():
            if order.owner in self.makers:
                young = now - order.placed_ms < self.terms["min_rest_ms"]
                small = order.lots < self.terms["min_order_lots"]
                self.seen |= {"an order too young"} if young else set()
                self.seen |= {"an order too small"} if small else set()
        self.seen |= {"an order outside"} if any(abs(2 * o.price - reference) >= v for _, o in counting) else set()
        if len({order.owner for _, order in counting}) > len({maker for maker, _ in counting}):
            self.seen.add("a cluster quotes from two addresses")
        single = {maker for maker, _ in counting} - set(self.two_sided(counting))
        self.seen |= {"a side that is divided decides"} if any(quality[maker] for maker in single) else set()
        together, target = sum(quality.values()), self.terms["target_lots"] * 10**6
        if together:
            self.seen.add("a target above the quality" if target > together else "a quality above the target")
        if set(quality) - set(self.present(now, reference, v)):
            self.seen.add("a maker that is not present")
        return quality

    def two_sided(self, counting: list[tuple[str, Order]]) -> Iterator[str]:
        """The makers with orders on both sides."""
        sides = {(maker, order.side) for maker, order in counting}
        return (maker for maker, side in sides if side == "bid" and (maker, "ask") in sides)

    def count(self, now: int, dt: int, reference: int | None) -> None:
        if now == self.start and self.orders:
            self.seen.add("an order rests at the start")
        if any(start == now != self.start for start, _, _ in self.sessions):
            self.seen.add("a session that begins")
        self.seen |= {"a halt"} if self.halted else set()
        if self.in_stress(now):
            self.seen |= {"stress in a halt"} if self.halted else set()
            self.seen |= {"stress in the dark"} if reference is None and not self.halted else set()
        super().count(now, dt, reference)


def features_of(directory: Path) -> set[str]:
    """The features that a bundle's epoch has. A bundle beyond a bound has those up to where it breaks."""
    bundle = read_bundle(directory)
    seen = set(_of_terms(bundle)) | set(_of_tables(directory, bundle))
    earned: dict[str, int] = {}
    for market, rule in bundle.terms["markets"].items():
        watch = Watch(bundle, market)
        try:
            tally = watch.run()
        except BrokenBundleError:
            return seen | watch.seen
        seen |= watch.seen
        pays = pay_market(bundle.terms, market, tally, set(bundle.makers.values()))
        seen |= set(_of_payouts(bundle, rule, pays))
        for (maker, kind), credit in tally.credit.items():
            if credit and rule["min_uptime_bps"][kind]:
                seen.add("a gate holds" if gated_credit(rule, tally, maker, kind) else "a gate closes")
        for maker, pay in pays.items():
            earned[maker] = earned.get(maker, 0) + pay.payout
    return seen | set(_of_epoch(bundle, earned))


def _of_terms(bundle: Bundle) -> Iterator[str]:
    terms = bundle.terms
    yield "several markets" if len(terms["markets"]) > 1 else "one market"
    yield {"return": "unspent returned", "redistribute": "unspent redistributed"}[terms["unspent"]]
    if 0 in terms["boosts"].values():
        yield "a boost of 0"
    for rule in terms["markets"].values():
        yield f"divisor {rule['two_sided_divisor']}" if rule["two_sided_divisor"] < 2 else "divisor above 1"
        weights = [weight for _, weight in rule["curve"].get("steps", [])]
        if weights != sorted(weights, reverse=True):
            yield "steps that rise"
        if "stress" not in rule:
            yield "stress absent"
        if rule["max_share_bps"] == 0:
            yield "a cap of 0"


def _of_tables(directory: Path, bundle: Bundle) -> Iterator[str]:
    if not (directory / "previous_cumulative.json").exists():
        yield "no previous tree"
    else:
        yield "a previous tree" if bundle.previous else "an empty previous tree"
    if {token for _, token in bundle.previous} - {bundle.terms["token"]}:
        yield "a previous leaf of another token"
    if {event["market"] for event in bundle.events} - set(bundle.terms["markets"]):
        yield "events of an unknown market"
    if any(event["time_ms"] >= bundle.terms["epoch"]["end_ms"] for event in bundle.events):
        yield "events after the end"


def _of_payouts(bundle: Bundle, rule: dict[str, Any], pays: dict[str, Payout]) -> Iterator[str]:
    whole = int(bundle.terms["budget"]) * rule["weight_bps"] // 10000
    cap = whole * rule["max_share_bps"] // 10000
    for pay in pays.values():
        yield from (f"a {pool} pool" for pool in ("quoting", "fills", "stress") if getattr(pay, pool))
        if cap and pay.quoting + pay.fills + pay.stress > cap:
            yield "a cap bites"
    if not any(pay.payout for pay in pays.values()):
        yield "nothing earned in a market"
    elif bundle.terms["unspent"] == "redistribute":
        kept = {maker: min(pay.quoting + pay.fills + pay.stress, cap) for maker, pay in pays.items()}
        rest, total = whole - sum(kept.values()), sum(kept.values())
        if sum(rest * each // total for each in kept.values()) < rest:
            yield "largest remainder"


def _of_epoch(bundle: Bundle, earned: dict[str, int]) -> Iterator[str]:
    carried_in = {maker for maker, amount in bundle.carried_in.items() if amount}
    if carried_in:
        yield "carried in"
    if carried_in - set(bundle.makers.values()):
        yield "carried in by a stranger"
    try:
        paid, carried, increments = pay_epoch(bundle, earned)
    except BrokenBundleError:
        yield "a refused payout"
        return
    if carried:
        yield "carried out"
    if set(paid) & carried_in:
        yield "paid after carrying"
    served: set[str] = set()
    for maker, due in paid.items():
        accounts = [account for account, _ in bundle.payouts[maker]]
        if len(accounts) > 1:
            yield "split over accounts"
        if sum(due * share // 10**6 for _, share in bundle.payouts[maker]) < due:
            yield "dust to the first account"
        if served & set(accounts):
            yield "an account of two makers"
        served |= set(accounts)
    of_token = {account for account, token in bundle.previous if token == bundle.terms["token"]}
    if of_token & set(increments):
        yield "a previous leaf grows"
    if of_token - set(increments):
        yield "a previous leaf stays"
    if not bundle.previous and not increments:
        yield "no root"
