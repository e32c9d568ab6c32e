"""A grid of terms: which values one or two of their numbers take, and the terms at every point.

A parameter is written as `PATH=VALUES`. The path is that of a key in terms.json with `*` for every key at that
place (`markets.*.target_lots`, `boosts.weekend`); values have commas between, and `10..100/10` stands for 10, 20 and
so on to 100. Paths with `+` between move together: `a+b=1+2,3+4`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rewards.engine.errors import TermsError
from rewards.engine.jsontext import canonical_json
from rewards.engine.terms import Terms, parse_terms
from rewards.engine.whatif import TriedTermsError

MOST_PARAMETERS, MOST_POINTS = 2, 10_000
CHANGEABLE = ("budget", "min_payout", "unspent", "boosts", "markets")
_WHOLE = re.compile(r"[0-9](_?[0-9]){0,99}")
_RANGE = re.compile(r"([0-9_]+)\.\.([0-9_]+)(?:/([0-9_]+))?")


@dataclass(frozen=True)
class Parameter:
    """Paths that move together, and the values that they take: one for each path at every step."""

    paths: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]

    @property
    def name(self) -> str:
        """The paths as they were written."""
        return "+".join(self.paths)


@dataclass(frozen=True)
class Point:
    """One point of the grid: the value of each parameter, as written, and the terms there."""

    values: tuple[str, ...]
    label: str
    terms: Terms


def parse_parameter(text: str) -> Parameter:
    """Read `PATH=VALUES`. Raises TriedTermsError."""
    name, equals, listed = text.rpartition("=")
    if not equals or not name or not listed:
        raise TriedTermsError(label=text, reason="it has to be PATH=VALUE,VALUE,... or PATH=FIRST..LAST/STEP")
    paths = tuple(name.split("+"))
    values = tuple(value for item in listed.split(",") for value in _values(text, item, len(paths)))
    if len(values) > MOST_POINTS:
        raise TriedTermsError(label=text, reason=f"it has {len(values)} values, and {MOST_POINTS} points are the most")
    if len(set(values)) != len(values):
        raise TriedTermsError(label=text, reason="it has a value twice")
    return Parameter(paths=paths, values=values)


def points(*, terms: Terms, parameters: Sequence[Parameter]) -> list[Point]:
    """Return the points of the grid, the last parameter moving fastest.

    Raises TriedTermsError when a path leads nowhere in the terms, or when a value makes terms that are none.
    """
    if len(parameters) > MOST_PARAMETERS:
        raise TriedTermsError(label="--sweep", reason=f"at most {MOST_PARAMETERS} parameters can be swept at once")
    paths = [path for parameter in parameters for path in parameter.paths]
    twice = [path for path in paths if paths.count(path) > 1]
    if twice:
        raise TriedTermsError(label=twice[0], reason="it is swept twice")
    count = 1
    for parameter in parameters:
        count *= len(parameter.values)
    if count > MOST_POINTS:
        raise TriedTermsError(label="--sweep", reason=f"the grid has {count} points, and {MOST_POINTS} are the most")
    steps = itertools.product(*(parameter.values for parameter in parameters))
    return [_point(terms, parameters, step) for step in steps]


def _point(terms: Terms, parameters: Sequence[Parameter], step: Sequence[tuple[str, ...]]) -> Point:
    written = tuple("+".join(values) for values in step)
    names = [f"{parameter.name}={value}" for parameter, value in zip(parameters, written, strict=True)]
    label = ", ".join(names)
    document = terms.to_json()
    for parameter, values in zip(parameters, step, strict=True):
        for path, value in zip(parameter.paths, values, strict=True):
            _change(document, path, value)
    try:
        return Point(values=written, label=label, terms=parse_terms(canonical_json(document)))
    except TermsError as error:
        raise TriedTermsError(label=label, reason=f"{error.path}: {error.reason}") from error


def _change(document: dict[str, Any], path: str, value: str) -> None:
    """Put a value in every place that the path leads to."""
    if path.partition(".")[0] not in CHANGEABLE:
        reason = f"no such key of the terms can be swept; {', '.join(CHANGEABLE)} can, with the keys below them"
        raise TriedTermsError(label=path, reason=reason)
    places = list(_places(document, path))
    if not places:
        raise TriedTermsError(label=path, reason="the terms have no such key")
    for holder, key in places:
        holder[key] = _converted(path, value, holder[key])


def _places(node: Mapping[str, Any], path: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the objects and keys that a path leads to. A key may hold dots itself, as names of markets can."""
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        for step in dict.fromkeys((key, "*")):
            if path == step:
                yield node, key
            elif path.startswith(f"{step}."):
                yield from _places(value, path.removeprefix(f"{step}."))


def _converted(path: str, value: str, present: Any) -> Any:
    """Return the value in the form of the one that is there: a whole number, an amount or a word."""
    if isinstance(present, dict | list):
        raise TriedTermsError(label=path, reason="it is not a single value, so the path has to go on to one below it")
    if isinstance(present, int):
        if not _WHOLE.fullmatch(value):
            raise TriedTermsError(label=path, reason=f"{value!r} is not a whole number")
        return int(value)
    return str(int(value)) if _WHOLE.fullmatch(value) else value


def _values(text: str, item: str, width: int) -> list[tuple[str, ...]]:
    found = _RANGE.fullmatch(item)
    if found is None:
        values = tuple(each.strip() for each in item.split("+"))
        if len(values) != width or not all(values):
            raise TriedTermsError(label=text, reason=f"{item!r} has to be {width} values with + between")
        return [values]
    if width > 1:
        raise TriedTermsError(label=text, reason="paths that move together need their values one by one")
    first, last, step = (int(_digits(text, part)) for part in (found[1], found[2], found[3] or "1"))
    if not step or last < first:
        raise TriedTermsError(label=text, reason=f"{item!r} leads nowhere: a range rises from its first value")
    if (last - first) // step >= MOST_POINTS:
        raise TriedTermsError(label=text, reason=f"{item!r} has more than {MOST_POINTS} values")
    return [(str(value),) for value in range(first, last + 1, step)]


def _digits(text: str, part: str) -> str:
    if not _WHOLE.fullmatch(part):
        raise TriedTermsError(label=text, reason=f"{part!r} is not a whole number")
    return part
