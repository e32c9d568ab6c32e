"""Terms for tests: the specification's own example, and any number of made-up ones that keep its rules."""

import json

from hypothesis import strategies as st

from tests.documents import blocks

KINDS = ("regular", "pre", "post", "overnight", "weekend", "holiday")
ADDRESS = "0x5fbdb2315678afecb367f032d93f642f64180aa3"
_EXAMPLE = next(block.text for block in blocks("spec/scoring.md") if block.language == "json")


def example() -> dict:
    """Return the example of docs/spec/scoring.md, a fresh copy."""
    return json.loads(_EXAMPLE)


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
