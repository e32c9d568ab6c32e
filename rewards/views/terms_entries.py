"""What somebody typed into the form of the terms, and its way to a document and back; it judges nothing.

Every entry is kept as it was typed. `to_document` turns entries into the terms' JSON and remembers which entry each
path came from, so that what the engine's reader says of a path is shown at that entry.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from rewards.engine.errors import JsonError, TermsError
from rewards.engine.jsontext import join_path
from rewards.views.terms_fields import (
    BOOSTS,
    MARKET_TERMS,
    PPM_PERCENT,
    Term,
    Unit,
    general_terms,
    steps_of,
    value_at,
)

MOST_MARKETS = 300


@dataclass(slots=True)
class MarketEntries:
    """One market's block: texts by key, the steps of its curve, and whether it knows fast markets."""

    name: str = ""
    values: dict[str, str] = field(default_factory=dict)
    curve: str = "quadratic"
    steps: list[tuple[str, str]] = field(default_factory=list)
    has_stress: bool = True


@dataclass(slots=True)
class Entries:
    """The whole form: texts of the general terms by key, and the markets in the order in which they stand."""

    values: dict[str, str] = field(default_factory=dict)
    unspent: str = "return"
    markets: list[MarketEntries] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Converted:
    """A document made from entries. `places`: the name of the entry, or block, that a path came from."""

    document: dict[str, Any]
    places: dict[str, str]
    problems: list[JsonError]


def entries_of_post(post: QueryDict, *, unit: Unit) -> Entries:
    """Take the entries out of a form; what is missing is empty."""
    return Entries(
        values={term.key: post.get(term.key, "") for term in (*general_terms(unit), *BOOSTS)},
        unspent=post.get("unspent", ""),
        markets=[_market_of_post(post, f"m{place}") for place in post.getlist("market")[:MOST_MARKETS]],
    )


def _market_of_post(post: QueryDict, prefix: str) -> MarketEntries:
    return MarketEntries(
        name=post.get(f"{prefix}.name", "").strip(),
        values={term.key: post.get(f"{prefix}.{term.key}", "") for term in MARKET_TERMS},
        curve=post.get(f"{prefix}.curve", ""),
        steps=[
            (post.get(f"{prefix}.step{row}.fraction", ""), post.get(f"{prefix}.step{row}.weight", ""))
            for row in post.getlist(f"{prefix}.step")[:1000]
        ],
        has_stress=f"{prefix}.has_stress" in post,
    )


def entries_of_document(document: Mapping[str, Any], *, unit: Unit) -> Entries:
    """Write a document's values into entries; what is of another kind than it should be is shown as it is."""
    markets = document.get("markets")
    return Entries(
        values={
            **{term.key: _amount_text(value_at(document, term.path), term.unit) for term in general_terms(unit)},
            **{term.key: _text(value_at(document, term.path), term.unit) for term in BOOSTS},
        },
        unspent=_text(document.get("unspent"), unit),
        markets=[
            _market_of_document(name, market)
            for name, market in (sorted(markets.items()) if isinstance(markets, Mapping) else ())
        ],
    )


def _market_of_document(name: str, market: Any) -> MarketEntries:
    curve = value_at(market, ("curve",))
    return MarketEntries(
        name=name,
        values={term.key: _text(value_at(market, term.path), term.unit) for term in MARKET_TERMS},
        curve=_text(value_at(curve, ("kind",)), PPM_PERCENT),
        steps=[(_text(edge, PPM_PERCENT), _text(weight, PPM_PERCENT)) for edge, weight in steps_of(curve)],
        has_stress=value_at(market, ("stress",)) is not None,
    )


def _text(value: Any, unit: Unit) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return unit.write(value)
    return str(value)


def _amount_text(value: Any, unit: Unit) -> str:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        whole, point, part = unit.write(int(value)).partition(".")
        return f"{int(whole):,}{point}{part}"
    return _text(value, Unit(""))


def to_document(entries: Entries, *, program: str, token: str, unit: Unit) -> Converted:
    """Make the terms' JSON without `epoch` from entries. An empty entry leaves its key out.

    `problems` holds only what can't be put into a document at all: texts that are no number of the unit, and a market
    that is there twice.
    """
    out = Converted(document={"version": 1, "program": program, "token": token}, places={}, problems=[])
    for term in general_terms(unit):
        value = _value(out, term, entries.values, path=term.key, place=term.key)
        if value is not None:
            out.document[term.path[0]] = str(value)
    out.document["unspent"], out.places["unspent"] = entries.unspent, "unspent"
    _put_all(out, out.document, BOOSTS, entries.values, path="", prefix="")
    out.document.setdefault("boosts", {})
    out.document["markets"], out.places["markets"] = {}, "markets"
    for number, market in enumerate(entries.markets):
        _put_market(out, market, prefix=f"m{number}")
    return out


def _put_market(out: Converted, market: MarketEntries, *, prefix: str) -> None:
    path = join_path("markets", market.name) if market.name else "markets."
    if market.name in out.document["markets"]:
        out.problems.append(TermsError(path=path, reason="the market is there twice"))
        out.places[path] = f"{prefix}.name"
        return
    out.places.setdefault(path, prefix if market.name else f"{prefix}.name")
    values: dict[str, Any] = {}
    # `or` would drop a market called like a falsy text; names are texts, and the empty one is the engine's to refuse.
    out.document["markets"][market.name] = values
    terms = [term for term in MARKET_TERMS if market.has_stress or term.path[0] != "stress"]
    _put_all(out, values, terms, market.values, path=path, prefix=prefix)
    for key in ("max_spread_bps", "clamp_bps", "min_uptime_bps"):
        values.setdefault(key, {})
    if market.has_stress:
        values.setdefault("stress", {})
    out.places[f"{path}.stress"] = f"{prefix}.has_stress"
    values["curve"] = {"kind": market.curve}
    out.places[f"{path}.curve.kind"] = f"{prefix}.curve"
    if market.curve == "steps":
        values["curve"]["steps"] = _steps(out, market, path=f"{path}.curve.steps", prefix=prefix)


def _steps(out: Converted, market: MarketEntries, *, path: str, prefix: str) -> list[list[int | None]]:
    out.places[path] = f"{prefix}.curve"
    rows = []
    for number, texts in enumerate(market.steps):
        place = join_path(path, number)
        out.places[place] = f"{prefix}.step{number}.fraction"
        columns = []
        for column, (name, text) in enumerate(zip(("fraction", "weight"), texts, strict=True)):
            term = Term((), name, PPM_PERCENT)
            at = join_path(place, column)
            columns.append(_value(out, term, {"": text}, path=at, place=f"{prefix}.step{number}.{name}"))
            if not text.strip():
                out.problems.append(TermsError(path=at, reason="fill it in, or take the step away"))
        rows.append(columns)
    return rows


def _put_all(
    out: Converted,
    target: dict[str, Any],
    terms: tuple[Term, ...] | list[Term],
    values: Mapping[str, str],
    *,
    path: str,
    prefix: str,
) -> None:
    for term in terms:
        place = f"{prefix}.{term.key}" if prefix else term.key
        value = _value(out, term, values, path=f"{path}.{term.key}" if path else term.key, place=place)
        if value is not None:
            inside = target
            for key in term.path[:-1]:
                inside = inside.setdefault(key, {})
            inside[term.path[-1]] = value


def _value(out: Converted, term: Term, values: Mapping[str, str], *, path: str, place: str) -> int | None:
    """Read one entry; None for an empty one, and for one that is no number, which becomes a problem."""
    out.places.setdefault(path, place)
    text = values.get(term.key, "").strip()
    if not text:
        return None
    value = term.unit.read(text)
    if value is None:
        decimals = term.unit.digits
        kind = f"a number with at most {decimals} decimals" if decimals else "a whole number"
        out.problems.append(
            TermsError(path=path, reason=f"“{text[:40]}” is not {kind}, as 1{'.5' if decimals else '0'}")
        )
    return value
