"""The form of the terms as the page shows it: groups of fields with what is wrong at each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from rewards.engine.errors import JsonError, TermMissingError, TermRangeError
from rewards.engine.termfields import INT64_MAX
from rewards.views.terms_entries import Entries, MarketEntries
from rewards.views.terms_fields import (
    BOOSTS,
    BY_KIND,
    COUNTING,
    CURVES,
    MARKET_TERMS,
    POOLS,
    PPM_PERCENT,
    STRESS,
    UNSPENT,
    Term,
    Unit,
    general_terms,
)
from rewards.views.words import KIND_NAMES

FEW_MARKETS = 2
"""So many blocks stand open; of more, only those with a mistake and new ones."""


@dataclass(slots=True)
class FieldView:
    """One entry: its name in the form, its label, unit, hint and text, and what is wrong with it."""

    name: str
    label: str
    unit: str
    hint: str
    value: str
    errors: list[str] = field(default_factory=list)


@dataclass(slots=True)
class KindRow:
    """One kind of session's entries in a market's table."""

    name: str
    fields: list[FieldView]


@dataclass(slots=True)
class StepView:
    """One step of a curve."""

    number: int
    fraction: FieldView
    weight: FieldView


@dataclass(slots=True)
class MarketView:
    """One market's block; `errors` are those of the block as a whole."""

    number: int
    place: str
    name: FieldView
    pools: list[FieldView]
    counting: list[FieldView]
    kinds: list[KindRow]
    curve: FieldView
    steps: list[StepView]
    stress: list[FieldView]
    stress_switch: FieldView
    has_stress: bool
    errors: list[str] = field(default_factory=list)
    is_open: bool = False
    mistakes: int = 0


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake for the list above the form; `place` is the id to jump to, empty when it has none."""

    place: str
    path: str
    sentence: str


@dataclass(slots=True)
class FormView:
    """Everything that the template draws."""

    money: list[FieldView]
    unspent: FieldView
    boosts: list[FieldView]
    markets: list[MarketView]
    markets_errors: list[str]
    columns: list[tuple[str, str, str]]
    curves: dict[str, str]
    choices: dict[str, str]
    mistakes: list[Mistake]


def form_view(
    *, entries: Entries, unit: Unit, places: dict[str, str], problems: Sequence[JsonError], opened: Iterable[int] = ()
) -> FormView:
    """Lay the entries out, each problem at its entry, and the list of all. opened: blocks that are to stand open."""
    money_terms = general_terms(unit)
    units = {term.key: term.unit for term in (*money_terms, *BOOSTS)}
    units |= {f"m{number}.{term.key}": term.unit for number in range(len(entries.markets)) for term in MARKET_TERMS}
    order = {place: number for number, place in enumerate(dict.fromkeys(places.values()))}
    mistakes = [_mistake(problem, places, units) for problem in problems]
    # In the order of the form; what belongs to no entry comes first.
    mistakes.sort(key=lambda mistake: order.get(mistake.place, -1))
    at: dict[str, list[str]] = {}
    for mistake in mistakes:
        at.setdefault(mistake.place, []).append(mistake.sentence)
    few = len(entries.markets) <= FEW_MARKETS
    markets = [_market(number, market, at) for number, market in enumerate(entries.markets)]
    for market in markets:
        market.mistakes = sum(len(errors) for place, errors in at.items() if place.split(".")[0] == market.place)
        market.is_open = few or market.mistakes > 0 or market.number in set(opened)
    return FormView(
        money=[_field(term, entries.values, at) for term in money_terms],
        unspent=FieldView("unspent", "What nobody earns", "", "", entries.unspent, at.get("unspent", [])),
        boosts=[replace(_field(term, entries.values, at), label=term.label.removesuffix(" boost")) for term in BOOSTS],
        markets=markets,
        markets_errors=at.get("markets", []),
        columns=[(label, unit.label, hint) for _, label, unit, hint in BY_KIND],
        curves=CURVES,
        choices=UNSPENT,
        mistakes=mistakes,
    )


def _field(term: Term, values: dict[str, str], at: dict[str, list[str]], *, prefix: str = "") -> FieldView:
    name = f"{prefix}.{term.key}" if prefix else term.key
    return FieldView(name, term.label, term.unit.label, term.hint, values.get(term.key, ""), at.get(name, []))


def _market(number: int, market: MarketEntries, at: dict[str, list[str]]) -> MarketView:
    prefix = f"m{number}"

    def several(terms: Iterable[Term]) -> list[FieldView]:
        return [_field(term, market.values, at, prefix=prefix) for term in terms]

    def one(key: str, label: str, value: str, hint: str = "") -> FieldView:
        name = f"{prefix}.{key}"
        return FieldView(name, label, "", hint, value, at.get(name, []))

    return MarketView(
        number=number,
        place=prefix,
        name=one("name", "Market", market.name, "As it is called in the list of markets."),
        pools=several(POOLS),
        counting=several(COUNTING),
        kinds=[
            KindRow(name, several(Term((key, kind), f"{label}, {name}", unit) for key, label, unit, _ in BY_KIND))
            for kind, name in KIND_NAMES.items()
        ],
        curve=one("curve", "Weight of an order", market.curve, "From the reference, at 100%, to the edge of the band."),
        steps=[_step(prefix, row, texts, at) for row, texts in enumerate(market.steps)],
        stress=several(STRESS),
        stress_switch=one("has_stress", "Knows fast markets", ""),
        has_stress=market.has_stress,
        errors=at.get(prefix, []),
    )


def _step(prefix: str, row: int, texts: tuple[str, str], at: dict[str, list[str]]) -> StepView:
    fields = []
    labels = (("fraction", "Up to, of the band"), ("weight", "An order weighs"))
    for (key, label), text in zip(labels, texts, strict=True):
        name = f"{prefix}.step{row}.{key}"
        fields.append(FieldView(name, label, PPM_PERCENT.label, "", text, at.get(name, [])))
    return StepView(row, fields[0], fields[1])


def _mistake(problem: JsonError, places: dict[str, str], units: dict[str, Unit]) -> Mistake:
    place = _place_of(problem.path, places)
    unit = units.get(place, PPM_PERCENT if ".step" in place else Unit(""))
    return Mistake(place=place, path=problem.path, sentence=_sentence(problem, unit))


def _place_of(path: str, places: dict[str, str]) -> str:
    """Return the entry that a path came from, or the nearest block around it."""
    while path and path not in places:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return places.get(path, "")


def _sentence(problem: JsonError, unit: Unit) -> str:
    if isinstance(problem, TermMissingError):
        return "Fill this in." if not problem.path.endswith(".stress") else "Say what a fast market is."
    if isinstance(problem, TermRangeError):
        wanted = f"at least {unit.words(problem.least)}"
        if problem.most < INT64_MAX:
            wanted = f"from {unit.words(problem.least)} to {unit.words(problem.most)}"
        return f"It is {unit.words(problem.value)} and has to be {wanted}."
    return f"{problem.reason[:1].upper()}{problem.reason[1:]}."
