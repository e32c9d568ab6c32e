"""Typed reading of one JSON object's members, with errors that name the member's path."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from rewards.engine.errors import JsonError, TermMissingError, TermRangeError, TermsError
from rewards.engine.jsontext import join_path
from rewards.engine.kinds import KINDS

INT64_MAX = 2**63 - 1
UINT256_MAX = 2**256 - 1
LATEST_MS = 2**53  # the largest whole number that every JSON reader keeps; the year is 287,396
PPM = 1_000_000
MOST_PROBLEMS = 1_000
ADDRESS = re.compile(r"0x[0-9a-f]{40}")
AMOUNT = re.compile(r"0|[1-9][0-9]{0,77}")

T = TypeVar("T")


class Fields:
    """The members of one JSON object. Every reader takes a member out; `no_more` refuses what is left.

    What is amiss is appended to `problems`, one problem a path, and the reader returns a value that keeps quiet, so
    that one reading finds everything.
    """

    def __init__(self, value: Any, *, path: str, problems: list[JsonError]) -> None:
        self.path, self.problems = path, problems
        self._readable = isinstance(value, dict)
        self._members: Mapping[str, Any] = value if self._readable else {}
        self._left = set(self._members)
        if not self._readable:
            self.note(TermsError(path=path, reason="it has to be an object"))

    def note(self, error: JsonError) -> None:
        """Keep what is wrong, unless something at the same path is already, or nobody would read that far."""
        if len(self.problems) < MOST_PROBLEMS and all(error.path != known.path for known in self.problems):
            self.problems.append(error)

    def error(self, name: str, reason: str) -> TermsError:
        """Return the error that says what is wrong with a member."""
        return TermsError(path=join_path(self.path, name), reason=reason)

    def sound(self, *names: str) -> bool:
        """Say whether nothing is wrong with these members."""
        paths = {join_path(self.path, name) for name in names}
        return self._readable and not any(known.path in paths for known in self.problems)

    def has(self, name: str) -> bool:
        """Say whether the member is there."""
        return name in self._members

    def names(self) -> list[str]:
        """Return the names of all members, by their bytes."""
        return sorted(self._members, key=lambda name: name.encode("utf-8"))

    def no_more(self) -> None:
        """Note every member that nobody asked for."""
        for name in sorted(self._left):
            self.note(self.error(name, "the key is unknown"))

    def object(self, name: str) -> Fields:
        """Return a member that is an object itself."""
        path = join_path(self.path, name)
        return self._read(
            name,
            lambda value: Fields(value, path=path, problems=self.problems),
            instead=Fields({}, path=path, problems=self.problems)._closed(),
        )

    def integer(self, name: str, *, least: int = 0, most: int = INT64_MAX) -> int:
        """Return a whole number in `[least, most]`."""
        path = join_path(self.path, name)
        return self._read(name, lambda value: _in_range(value, path=path, least=least, most=most), instead=least)

    def bps(self, name: str) -> int:
        """Return a whole number of 1/10,000, from 0 to 10,000."""
        return self.integer(name, most=10_000)

    def time_ms(self, name: str) -> int:
        """Return a time in ms since the Unix epoch."""
        return self.integer(name, most=LATEST_MS)

    def text(self, name: str) -> str:
        """Return text that is not empty."""
        return self._text(name, lambda value: bool(value), "it has to be text that is not empty")

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """Return one of the given words."""
        return self._text(name, lambda value: value in choices, f"it has to be one of {', '.join(choices)}")

    def address(self, name: str) -> str:
        """Return an address of 20 bytes in lower-case hex."""
        reason = "it has to be an address: 0x and 40 lower-case hex digits"
        return self._text(name, lambda value: bool(ADDRESS.fullmatch(value)), reason)

    def amount(self, name: str) -> int:
        """Return an amount written as a decimal string."""
        reason = "it has to be an amount: a string of decimal digits"
        amount = int(self._text(name, lambda value: bool(AMOUNT.fullmatch(value)), reason) or "0")
        if amount > UINT256_MAX:
            self.note(self.error(name, "it does not fit a uint256"))
        return amount

    def by_kind(self, name: str, *, most: int) -> Mapping[str, int]:
        """Return a whole number from 0 to `most` for each of the six kinds of session."""
        fields = self.object(name)
        values = {kind: fields.integer(kind, most=most) for kind in KINDS}
        fields.no_more()
        return MappingProxyType(values)

    def steps(self, name: str) -> tuple[tuple[int, int], ...]:
        """Return the steps of a curve: fractions ascending, both numbers from 0 to 1,000,000."""
        rows: list[Any] = self._read(name, self._rows(name), instead=[])
        steps: list[tuple[int, int]] = []
        for number, row in enumerate(rows):
            path = join_path(join_path(self.path, name), number)
            step = self._step(row, path=path)
            if step is None:
                continue
            if steps and step[0] <= steps[-1][0]:
                self.note(TermsError(path=path, reason="the fractions have to ascend"))
            steps.append(step)
        return tuple(steps)

    def _step(self, row: Any, *, path: str) -> tuple[int, int] | None:
        if not isinstance(row, list) or len(row) != 2:
            self.note(TermsError(path=path, reason="it has to be [fraction_ppm, weight_ppm]"))
            return None
        numbers = []
        for column, value in enumerate(row):
            try:
                numbers.append(_in_range(value, path=join_path(path, column), least=0, most=PPM))
            except TermsError as error:
                self.note(error)
        return (numbers[0], numbers[1]) if len(numbers) == 2 else None

    def _rows(self, name: str) -> Callable[[Any], list[Any]]:
        def check(value: Any) -> list[Any]:
            if not isinstance(value, list) or not value:
                raise self.error(name, "it has to be a list of [fraction_ppm, weight_ppm] that is not empty")
            return value

        return check

    def _text(self, name: str, holds: Callable[[str], bool], reason: str) -> str:
        def check(value: Any) -> str:
            if not isinstance(value, str) or not holds(value):
                raise self.error(name, reason)
            return value

        return self._read(name, check, instead="")

    def _read(self, name: str, check: Callable[[Any], T], *, instead: T) -> T:
        """Take a member out and check it; `instead` stands for one that is missing or wrong."""
        if not self._readable:
            return instead
        try:
            if name not in self._members:
                raise TermMissingError(path=join_path(self.path, name))
            self._left.discard(name)
            return check(self._members[name])
        except TermsError as error:
            self.note(error)
            return instead

    def _closed(self) -> Fields:
        """Return this object as one of which nothing more is said."""
        self._readable = False
        return self


def _in_range(value: Any, *, path: str, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TermsError(path=path, reason="it has to be a whole number")
    if not least <= value <= most:
        raise TermRangeError(path=path, value=value, least=least, most=most)
    return value
