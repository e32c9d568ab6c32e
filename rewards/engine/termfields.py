"""Typed reading of one JSON object's members, with errors that name the member's path."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from rewards.engine.errors import TermsError
from rewards.engine.jsontext import join_path
from rewards.engine.kinds import KINDS

INT64_MAX = 2**63 - 1
UINT256_MAX = 2**256 - 1
LATEST_MS = 2**53  # the largest whole number that every JSON reader keeps; the year is 287,396
PPM = 1_000_000
ADDRESS = re.compile(r"0x[0-9a-f]{40}")
AMOUNT = re.compile(r"0|[1-9][0-9]{0,77}")


class Fields:
    """The members of one JSON object. Every reader takes a member out; `no_more` refuses what is left."""

    def __init__(self, value: Any, *, path: str) -> None:
        if not isinstance(value, dict):
            raise TermsError(path=path, reason="it has to be an object")
        self.path = path
        self._members: Mapping[str, Any] = value
        self._left = set(value)

    def error(self, name: str, reason: str) -> TermsError:
        """Return the error that says what is wrong with a member."""
        return TermsError(path=join_path(self.path, name), reason=reason)

    def has(self, name: str) -> bool:
        """Say whether the member is there."""
        return name in self._members

    def names(self) -> list[str]:
        """Return the names of all members, by their bytes."""
        return sorted(self._members, key=lambda name: name.encode("utf-8"))

    def no_more(self) -> None:
        """Raise TermsError when a member is there that nobody asked for."""
        for name in sorted(self._left):
            raise self.error(name, "the key is unknown")

    def object(self, name: str) -> Fields:
        """Return a member that is an object itself."""
        return Fields(self._take(name), path=join_path(self.path, name))

    def integer(self, name: str, *, least: int = 0, most: int = INT64_MAX) -> int:
        """Return a whole number in `[least, most]`."""
        return self._in_range(name, self._take(name), least, most)

    def bps(self, name: str) -> int:
        """Return a whole number of 1/10,000, from 0 to 10,000."""
        return self.integer(name, most=10_000)

    def time_ms(self, name: str) -> int:
        """Return a time in ms since the Unix epoch."""
        return self.integer(name, most=LATEST_MS)

    def text(self, name: str) -> str:
        """Return text that is not empty."""
        value = self._take(name)
        if not isinstance(value, str) or not value:
            raise self.error(name, "it has to be text that is not empty")
        return value

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """Return one of the given words."""
        value = self._take(name)
        if value not in choices:
            raise self.error(name, f"it has to be one of {', '.join(choices)}")
        return str(value)

    def address(self, name: str) -> str:
        """Return an address of 20 bytes in lower-case hex."""
        value = self._take(name)
        if not isinstance(value, str) or not ADDRESS.fullmatch(value):
            raise self.error(name, "it has to be an address: 0x and 40 lower-case hex digits")
        return value

    def amount(self, name: str) -> int:
        """Return an amount written as a decimal string."""
        value = self._take(name)
        if not isinstance(value, str) or not AMOUNT.fullmatch(value):
            raise self.error(name, "it has to be an amount: a string of decimal digits")
        if int(value) > UINT256_MAX:
            raise self.error(name, "it does not fit a uint256")
        return int(value)

    def by_kind(self, name: str, *, most: int) -> Mapping[str, int]:
        """Return a whole number from 0 to `most` for each of the six kinds of session."""
        fields = self.object(name)
        values = {kind: fields.integer(kind, most=most) for kind in KINDS}
        fields.no_more()
        return MappingProxyType(values)

    def steps(self, name: str) -> tuple[tuple[int, int], ...]:
        """Return the steps of a curve: fractions ascending, both numbers from 0 to 1,000,000."""
        rows = self._take(name)
        if not isinstance(rows, list) or not rows:
            raise self.error(name, "it has to be a list of [fraction_ppm, weight_ppm] that is not empty")
        steps: list[tuple[int, int]] = []
        for number, row in enumerate(rows):
            place = join_path(name, number)
            if not isinstance(row, list) or len(row) != 2:
                raise self.error(place, "it has to be [fraction_ppm, weight_ppm]")
            fraction, weight = (
                self._in_range(join_path(place, column), value, 0, PPM) for column, value in enumerate(row)
            )
            if steps and fraction <= steps[-1][0]:
                raise self.error(place, "the fractions have to ascend")
            steps.append((fraction, weight))
        return tuple(steps)

    def _take(self, name: str) -> Any:
        if name not in self._members:
            raise self.error(name, "the key is missing")
        self._left.discard(name)
        return self._members[name]

    def _in_range(self, name: str, value: Any, least: int, most: int) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.error(name, "it has to be a whole number")
        if not least <= value <= most:
            raise self.error(name, f"it is {_short(value)} and has to be from {least} to {most}")
        return value


def _short(value: int) -> str:
    """Write a number, or its length when nobody could read it."""
    return str(value) if abs(value) < 10**30 else "a number of more than 30 digits"
