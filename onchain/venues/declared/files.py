"""Files that declare a venue's events: read and checked as a whole, so that a wrong one is refused before any log.

Source: docs/venues.md, which lists every key.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from onchain.abi import EventSchema, SignatureError
from onchain.errors import MarketConfigError

READY = Path(__file__).parent
ROLES = ("order", "owner", "taker", "side", "price", "size", "pays", "wants", "gives", "tick")
DIRECTION = ({"tokens"}, {"side"})
AMOUNTS = ({"price", "size"}, {"pays", "wants"}, {"gives", "tick"})
# Per deed: the roles it can't do without, and those it may have beside them.
DEEDS: Mapping[str, tuple[set[str], set[str]]] = {
    "place": ({"order", "owner"}, {"side", "tokens", "price", "size", "pays", "wants", "gives", "tick"}),
    "write": ({"order", "owner"}, {"side", "tokens", "price", "size", "pays", "wants", "gives", "tick"}),
    "fill": ({"order", "taker"}, {"side", "tokens", "size", "pays", "wants", "leaves", "unknown"}),
    "cancel": ({"order"}, {"side", "tokens", "size", "unknown"}),
    "anchor": ({"price"}, set()),
    "halt": (set(), set()),
    "resume": (set(), set()),
    "begin_group": (set(), set()),
    "end_group": (set(), set()),
}
MARKET_KEYS = ("events", "base", "quote", "base_size", "off_tick")
ALWAYS = {"signature", "does", "where", "group_first"}


@dataclass(frozen=True, slots=True)
class DeclaredEvent:
    """One event of a file. roles: argument by role; tokens: the arguments of the token an order pays and wants.

    where: argument to the value that it has to have in this market; bid, ask: values of the argument `side`.
    leaves: what a fill does not take leaves the book as well. ignores_unknown: it may speak of orders we don't know.
    group_first: within a group (what lies between the logs that begin and end it) it took effect before the others.
    """

    schema: EventSchema
    does: str
    roles: Mapping[str, str]
    tokens: tuple[str, str] | None = None
    where: Mapping[str, int | str] = field(default_factory=dict)
    bid: int | str = 1
    ask: int | str = 0
    leaves: bool = False
    ignores_unknown: bool = False
    group_first: bool = False

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return every argument that is read, each once."""
        return tuple(dict.fromkeys([*self.roles.values(), *(self.tokens or ()), *self.where]))


@dataclass(frozen=True, slots=True)
class DeclaredVenue:
    """A file, checked, with the market's parameters filled in."""

    events: tuple[DeclaredEvent, ...]
    ids_per_side: bool
    view: Mapping[str, Any] | None


def load(source: object) -> Mapping[str, Any]:
    """Return a file's content: the name of a ready file, or the content itself. Raises MarketConfigError."""
    if isinstance(source, Mapping):
        return source
    ready = sorted(path.name for path in READY.glob("*.toml"))
    if source not in ready:
        raise MarketConfigError(
            key="declared.events",
            rule=f"there is no file {source!r} beside the market file, and the ready ones are {', '.join(ready)}",
        )
    return tomllib.loads((READY / str(source)).read_text(encoding="utf-8"))


def parse(content: Mapping[str, Any], *, parameters: Mapping[str, Any]) -> DeclaredVenue:
    """Check a file's content and fill in the parameters that it asks of the market. Raises MarketConfigError."""
    asked = {*MARKET_KEYS, *_asked(content)}
    for key in parameters:
        if key not in asked:
            known = ", ".join(sorted(asked))
            raise MarketConfigError(key=f"declared.{key}", rule=f"nothing asks for it; what is known is {known}")
    for key in content:
        if key not in ("event", "ids_per_side", "view"):
            _refuse(key, "no such key is known; there are event, ids_per_side, view")
    events = content.get("event")
    if not isinstance(events, list) or not events or not all(isinstance(event, Mapping) for event in events):
        _refuse("event", "there has to be at least one [[event]]")
    per_side = content.get("ids_per_side", False)
    if not isinstance(per_side, bool):
        _refuse("ids_per_side", "it is true or false")
    parsed = tuple(_event(event, f"event[{place}]", parameters) for place, event in enumerate(events))
    for place, one in enumerate(parsed):
        if per_side and "order" in one.roles and "side" not in one.roles and one.tokens is None:
            _refuse(f"event[{place}]", "with ids_per_side every event with an order needs its side or its tokens")
        if any(
            (one.schema.topic0, one.schema.topic_count) == (o.schema.topic0, o.schema.topic_count)
            for o in parsed[:place]
        ):
            _refuse(f"event[{place}].signature", f"{one.schema.name} is declared twice")
    return DeclaredVenue(parsed, per_side, _view(content.get("view")))


def _event(event: Mapping[str, Any], path: str, parameters: Mapping[str, Any]) -> DeclaredEvent:
    try:
        schema = EventSchema.parse(str(event.get("signature", "")))
    except SignatureError as error:
        _refuse(f"{path}.signature", str(error))
    does = str(event.get("does"))
    if does not in DEEDS:
        _refuse(f"{path}.does", f"{does!r} is none of {', '.join(DEEDS)}")
    needed, allowed = DEEDS[does]
    sides = {"bid", "ask"} if "side" in event else set()
    for key in event:
        if key not in needed | allowed | ALWAYS | sides:
            _refuse(
                f"{path}.{key}", f"a {does} has no such key; it has {', '.join(sorted(needed | allowed | {'where'}))}"
            )
    for key in sorted(needed - set(event)):
        _refuse(f"{path}.{key}", f"a {does} needs it: the name of the argument")
    _check_amounts(event, does, path)
    roles = {role: _argument(schema, event[role], f"{path}.{role}") for role in ROLES if role in event}
    _check_types(schema, roles, path)
    tokens = _tokens(schema, event, path, parameters)
    values = {
        name: _value(schema, roles["side"], event.get(name, default), f"{path}.{name}", parameters)
        for name, default in (("bid", 1), ("ask", 0)) if "side" in roles
    }  # fmt: skip
    where = {
        _argument(schema, name, f"{path}.where"): _value(schema, name, value, f"{path}.where.{name}", parameters)
        for name, value in _mapping(event.get("where", {}), f"{path}.where").items()
    }
    if event.get("unknown", "refuse") not in ("refuse", "ignore"):
        _refuse(f"{path}.unknown", "it is refuse or ignore")
    for key in ("leaves", "group_first"):
        if not isinstance(event.get(key, False), bool):
            _refuse(f"{path}.{key}", "it is true or false")
    return DeclaredEvent(
        schema, does, roles, tokens, where, **values, leaves=event.get("leaves", False),
        ignores_unknown=event.get("unknown") == "ignore", group_first=event.get("group_first", False),
    )  # fmt: skip


def _check_amounts(event: Mapping[str, Any], does: str, path: str) -> None:
    """Raise MarketConfigError unless the event says its side and its amounts in exactly one way each."""
    names = set(event)
    if does in ("place", "write"):
        if sum(way <= names for way in DIRECTION) != 1:
            _refuse(path, "an order's side comes from either tokens, or side with bid and ask")
        if [way for way in AMOUNTS if way & names] not in ([way] for way in AMOUNTS) or not any(
            way <= names for way in AMOUNTS
        ):
            _refuse(path, "an order's amounts are either price and size, or pays and wants, or gives and tick")
    if does == "fill" and [way for way in ({"size"}, {"pays", "wants"}) if way <= names] not in (
        [{"size"}], [{"pays", "wants"}],
    ):  # fmt: skip
        _refuse(path, "a fill's amount is either size, or pays and wants")


def _check_types(schema: EventSchema, roles: Mapping[str, str], path: str) -> None:
    for role, name in roles.items():
        is_address = schema.field(name).type == "address"
        if is_address != (role in ("owner", "taker")) and role != "side":
            _refuse(f"{path}.{role}", f"{name} is of type {schema.field(name).type}, which can't be a {role}")


def _tokens(
    schema: EventSchema, event: Mapping[str, Any], path: str, parameters: Mapping[str, Any]
) -> tuple[str, str] | None:
    names = event.get("tokens")
    if names is None:
        return None
    if not isinstance(names, list) or len(names) != 2:
        _refuse(f"{path}.tokens", "it is a list of two arguments: the token that the order pays, and the one it wants")
    for key in ("base", "quote"):
        _parameter(f"${key}", f"{path}.tokens", parameters)
    first, second = (_argument(schema, name, f"{path}.tokens") for name in names)
    return first, second


def _argument(schema: EventSchema, name: object, path: str) -> str:
    """Return the name of an argument that can be read. Raises MarketConfigError."""
    known = {each.name: each for each in schema.fields}
    if not isinstance(name, str) or name not in known:
        _refuse(path, f"{schema.name} has no argument {name!r}; it has {', '.join(known) or 'none'}")
    if known[name].dynamic:
        _refuse(path, f"{name} is of type {known[name].type}, which has no single value")
    return name


def _value(schema: EventSchema, name: str, value: object, path: str, parameters: Mapping[str, Any]) -> int | str:
    """Return a constant or a market's parameter as the argument's column holds it."""
    if isinstance(value, str) and value.startswith("$"):
        value = _parameter(value, path, parameters)
    if schema.field(_argument(schema, name, path)).type == "address":
        if not isinstance(value, str) or len(value) != 42:
            _refuse(path, f"{value!r} is no address")
        return value.lower()
    try:
        return int(value, 0) if isinstance(value, str) else int(value)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        _refuse(path, f"{value!r} is no number; write digits, or 0x and hexadecimal digits")


def _asked(content: object) -> set[str]:
    """Return the names of all parameters that a file's content mentions."""
    if isinstance(content, Mapping):
        return set().union(*(_asked(value) for value in content.values()))
    if isinstance(content, list):
        return set().union(*(_asked(value) for value in content))
    return {content[1:]} if isinstance(content, str) and content.startswith("$") else set()


def _parameter(name: str, path: str, parameters: Mapping[str, Any]) -> Any:
    if name[1:] not in parameters:
        raise MarketConfigError(key=f"declared.{name[1:]}", rule=f"the file of events asks for it ({path})")
    return parameters[name[1:]]


def _mapping(value: object, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        _refuse(path, "it is a table of arguments and their values")
    return value


def _view(view: object) -> Mapping[str, Any] | None:
    if view is None:
        return None
    table = _mapping(view, "view")
    if set(table) not in ({"call", "returns", "size"}, {"call", "returns", "pays", "wants"}):
        _refuse("view", "it has call, returns, and the places of either size, or pays and wants, among what returns")
    return table


def _refuse(path: str, rule: str) -> NoReturn:
    raise MarketConfigError(key=f"declared.events: {path}", rule=rule)
