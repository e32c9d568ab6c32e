"""Recomputes the chain of an export, with nothing but Python's standard library: no Django, no database, no trust.

The second implementation of what audit/migrations/0001_initial.py does in the database; docs/audit.md has the form.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

VERSION = "lamplight audit 1"
FIELDS = ("sequence", "at_us", "table", "action", "subject", "context", "before", "after", "previous_hash", "hash")
ZERO_HASH = "0" * 64


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain. sequence: of the last entry, 0 for none. hash: its hash, 64 hex digits."""

    sequence: int
    hash: str


NOTHING = Head(0, ZERO_HASH)
"""Where a chain begins."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found. head: of the part that holds. broken: why the next entry does not, None when all hold.

    heads: of the entries that were asked for, those that the unbroken part contains with that hash.
    """

    head: Head
    broken: str | None
    found: frozenset[Head]


def entry_hash(entry: dict[str, object]) -> str:
    """Return the hash of an entry: SHA-256 over its fields, one a line, without a last line end."""
    lines = [VERSION]
    for name in FIELDS[:-1]:
        value = entry[name]
        lines.append("" if value is None else str(value))
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()


def verify(lines: Iterable[str], *, wanted: Iterable[Head] = (), after: Head = NOTHING) -> Verdict:
    """Recompute a chain from the lines of an export and say how far it holds.

    wanted: heads known from elsewhere (an epoch's manifest), to be found in it. after: a head that is known to hold,
    and that the first line follows.
    """
    head, looked_for = after, frozenset(wanted)
    found: set[Head] = set()
    for number, line in enumerate(lines, start=after.sequence + 1):
        reason = _fault(line, number=number, head=head)
        if isinstance(reason, str):
            return Verdict(head, f"Entry {number} {reason}.", frozenset(found))
        head = reason
        if head in looked_for:
            found.add(head)
    return Verdict(head, None, frozenset(found))


def _fault(line: str, *, number: int, head: Head) -> Head | str:
    """Return the head after this line, or what is wrong with it."""
    try:
        entry = json.loads(line)
    except ValueError:
        return "is not JSON"
    if not isinstance(entry, dict) or set(entry) != set(FIELDS):
        return f"does not have the fields {', '.join(FIELDS)}"
    for name in FIELDS:
        value = entry[name]
        fits = type(value) is int if name in ("sequence", "at_us") else isinstance(value, str)
        if not fits and not (value is None and name in ("before", "after")):
            return f"has a value of the wrong type at {name}"
        if isinstance(value, str) and "\n" in value:
            return f"has a line end within {name}"
    if entry["sequence"] != number:
        return f"has the number {entry['sequence']}: an entry is missing, doubled or out of order"
    if entry["previous_hash"] != head.hash:
        return f"names {entry['previous_hash']} as the hash before it, which is {head.hash}"
    if (computed := entry_hash(entry)) != entry["hash"]:
        return f"has the hash {entry['hash']}, and its content gives {computed}: it was changed"
    return Head(number, computed)
