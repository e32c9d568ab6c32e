"""A trial: what makers would earn by terms that nothing is paid by yet, from the chain's own events."""

from collections.abc import Mapping
from dataclasses import dataclass

from onchain.selectors import market_events_arrow, settled_through_ms
from rewards.calendars import build_sessions
from rewards.engine.allocation import PPM
from rewards.engine.errors import JsonError, TermsError
from rewards.engine.evidence import EventColumns, Inputs
from rewards.engine.jsontext import parse_strict
from rewards.engine.scoring import Result, score
from rewards.engine.sessions import Sessions
from rewards.engine.terms import Terms, canonical_json, parse_terms
from rewards.engine.tomltext import read_toml
from rewards.errors import NotYetError


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The time that a trial covers, [start_ms, end_ms) in ms UTC."""

    start_ms: int
    end_ms: int


def trial_terms(*, raw: bytes, is_toml: bool, span: Span) -> Terms:
    """Read a file of terms (docs/programmes.md), which leaves `epoch` out, as those of an epoch of this span.

    Raises the engine's JsonError and TermsError, which name the key.
    """
    problems: list[JsonError] = []
    document = read_toml(raw, document="terms", problems=problems) if is_toml else parse_strict(raw, document="terms")
    if problems:
        raise problems[0]
    if not isinstance(document, Mapping) or "epoch" in document:
        raise TermsError(path="epoch", reason="leave it out; the trial's own span takes its place")
    epoch = {"number": 1, "start_ms": span.start_ms, "end_ms": span.end_ms}
    return parse_terms(canonical_json({**document, "epoch": epoch}))


def trial_score(*, terms: Terms, makers: Mapping[str, str], calendar: str) -> tuple[Inputs, Result]:
    """Score the terms' epoch from the indexed chain as a first epoch; stores nothing and touches no programme.

    makers: address to maker, of anybody, enrolled or not. A maker's first address stands for its payout account.
    Raises NotYetError while the chain has not settled past the end, and the errors of calendars, engine and onchain.
    """
    markets, epoch = list(terms.markets), terms.epoch
    events = EventColumns.from_arrow(market_events_arrow(markets=markets, from_ms=epoch.start_ms, to_ms=epoch.end_ms))
    if settled_through_ms(markets=markets) < epoch.end_ms:
        raise NotYetError(what="The trial", waits_for="the chain to be final past its end; index it, or end it earlier")
    accounts: dict[str, str] = {}
    for address, maker in makers.items():
        accounts.setdefault(maker, address)
    inputs = Inputs(
        terms=terms,
        sessions=Sessions.from_rows(build_sessions(calendar, epoch.start_ms, epoch.end_ms)),
        makers=makers,
        payouts={maker: [(address, PPM)] for maker, address in accounts.items()},
        carried_in={},
        previous=None,
        events=events,
    )
    return inputs, score(inputs)
