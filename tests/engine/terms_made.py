"""Terms for tests: the specification's own example, and any number of made-up ones that keep its rules."""

import copy

from hypothesis import strategies as st

KINDS = ("regular", "pre", "post", "overnight", "weekend", "holiday")
ADDRESS = "0x5fbdb2315678afecb367f032d93f642f64180aa3"
_EXAMPLE = {
    "version": 1, "program": "us-equity-perps", "token": ADDRESS,
    "epoch": {"number": 12, "start_ms": 1790000000000, "end_ms": 1790604800000},
    "budget": "250000000000000000000000", "min_payout": "1000000000000000000", "unspent": "return",
    "boosts": {"regular": 100, "pre": 150, "post": 200, "overnight": 250, "weekend": 300, "holiday": 300},
    "markets": {
        "AAPL-PERP": {
            "weight_bps": 10000, "quoting_share_bps": 7000, "fills_share_bps": 1500, "stress_share_bps": 1500,
            "min_order_lots": 10, "min_rest_ms": 500, "reference_depth_lots": 50,
            "max_spread_bps": {"regular": 20, "pre": 50, "post": 50, "overnight": 75, "weekend": 100, "holiday": 100},
            "clamp_bps": {"regular": 50, "pre": 150, "post": 150, "overnight": 300, "weekend": 500, "holiday": 500},
            "min_uptime_bps": {"regular": 0, "pre": 0, "post": 0, "overnight": 0, "weekend": 5000, "holiday": 0},
            "curve": {"kind": "quadratic"}, "two_sided_divisor": 3, "target_lots": 2000, "presence_lots": 100,
            "max_share_bps": 5000,
            "stress": {"window_ms": 300000, "move_bps": 200, "hold_ms": 600000, "widen_pct": 200, "full_ms": 3600000},
        },
    },
}  # fmt: skip


def example() -> dict:
    """Return the example of spec/scoring.md, a fresh copy."""
    return copy.deepcopy(_EXAMPLE)


def _numbers(most: int, least: int = 0) -> st.SearchStrategy[int]:
    return st.integers(least, most)


def _by_kind() -> st.SearchStrategy[dict]:
    return st.fixed_dictionaries({kind: _numbers(10_000) for kind in KINDS})


@st.composite
def _curves(draw: st.DrawFn) -> dict:
    kind = draw(st.sampled_from(["quadratic", "linear", "steps"]))
    if kind != "steps":
        return {"kind": kind}
    fractions = sorted(draw(st.sets(_numbers(1_000_000), min_size=1, max_size=4)))
    return {"kind": kind, "steps": [[fraction, draw(_numbers(1_000_000))] for fraction in fractions]}


@st.composite
def _markets(draw: st.DrawFn, weight_bps: int) -> dict:
    quoting = draw(_numbers(10_000))
    fills = draw(_numbers(10_000 - quoting))
    big = _numbers(2**63 - 1)
    market = {
        "weight_bps": weight_bps, "quoting_share_bps": quoting, "fills_share_bps": fills,
        "stress_share_bps": 10_000 - quoting - fills, "min_order_lots": draw(_numbers(2**63 - 1, 1)),
        "min_rest_ms": draw(big), "reference_depth_lots": draw(_numbers(2**63 - 1, 1)),
        "max_spread_bps": draw(_by_kind()), "clamp_bps": draw(_by_kind()), "min_uptime_bps": draw(_by_kind()),
        "curve": draw(_curves()), "two_sided_divisor": draw(big), "target_lots": draw(big),
        "presence_lots": draw(_numbers(2**63 - 1, 1)), "max_share_bps": draw(_numbers(10_000)),
    }  # fmt: skip
    if market["stress_share_bps"] or draw(st.booleans()):
        market["stress"] = {
            "window_ms": draw(_numbers(2**63 - 1, 1)), "move_bps": draw(_numbers(10_000, 1)),
            "hold_ms": draw(_numbers(2**63 - 1, 1)), "widen_pct": draw(_numbers(2**63 - 1, 100)), "full_ms": draw(big),
        }  # fmt: skip
    return market


# The names of a form's markets are typed: they begin and end with something to see.
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12).filter(
    lambda name: name == name.strip()
)


@st.composite
def documents(draw: st.DrawFn, *, with_epoch: bool = True) -> dict:
    """Return sound terms with up to three markets of any name."""
    amounts = _numbers(2**256 - 1).map(str)
    names = draw(st.lists(NAMES, max_size=3, unique=True))
    left, markets = 10_000, {}
    for name in names:
        weight_bps = draw(_numbers(left))
        left -= weight_bps
        markets[name] = draw(_markets(weight_bps))
    document = {
        "version": 1, "program": "us-equity-perps", "token": ADDRESS, "budget": draw(amounts),
        "min_payout": draw(amounts), "unspent": draw(st.sampled_from(["return", "redistribute"])),
        "boosts": draw(_by_kind()), "markets": markets,
    }  # fmt: skip
    if with_epoch:
        start_ms = draw(_numbers(2**53 - 1))
        document["epoch"] = {
            "number": draw(_numbers(2**63 - 1)), "start_ms": start_ms, "end_ms": draw(_numbers(2**53, start_ms + 1)),
        }  # fmt: skip
    return document
