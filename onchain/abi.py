"""Events of contracts as columns: signatures to topics, and the fields of many logs at once.

Source: the Solidity ABI specification, *Events* and *Strict encoding mode*.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from onchain.columns import WORD, LogColumns
from onchain.keccak import keccak256

TYPE = re.compile(r"(?:(u?int)(\d*)|(address)|(bool)|(bytes)(\d*)|(string))(\[\d*\])?\Z")
NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\Z")
Words = npt.NDArray[np.uint8]


class SignatureError(ValueError):
    """An event's signature can't be read; the message says what is wrong with it."""


class ShortLogError(ValueError):
    """Logs whose topics or data are not what their event's signature says; `bad` marks them."""

    def __init__(self, *, bad: npt.NDArray[np.bool_], event: str) -> None:
        super().__init__(f"the log is not an encoded {event}")
        self.bad = bad


@dataclass(frozen=True, slots=True)
class Field:
    """One argument. `word`: its place among the topics (indexed; 1 to 3) or among the words of the data.

    bits: width of a number; 160 for an address, 1 for a bool, 256 for a hash or bytes32. A dynamic argument has only
    the place of its offset word.
    """

    name: str
    type: str
    indexed: bool
    word: int
    bits: int
    signed: bool = False
    dynamic: bool = False


@dataclass(frozen=True)
class EventSchema:
    """An event with named arguments, by its Solidity declaration: `Name(type [indexed] name, ...)`.

    Structs are written out as their members in brackets: `(uint256 amount,uint8 side) args`; their members are fields
    named `args.amount`.
    """

    name: str
    fields: tuple[Field, ...]
    signature: str
    topic_count: int
    data_words: int
    declaration: str

    @cached_property
    def topic0(self) -> bytes:
        """The first topic of the event's logs."""
        return keccak256(self.signature.encode())

    @classmethod
    def parse(cls, declaration: str) -> EventSchema:
        """Read a declaration. Raises SignatureError."""
        match = re.fullmatch(r"\s*(?:event\s+)?([A-Za-z_$][A-Za-z0-9_$]*)\s*\((.*)\)\s*;?\s*", declaration, re.DOTALL)
        if match is None:
            raise SignatureError(f"{declaration!r} is not of the form Name(type name, ...)")
        fields: list[Field] = []
        types = []
        words = {True: 1, False: 0}
        for argument in _split(match[2]):
            types.append(_argument(argument, fields, words))
        names = [field.name for field in fields]
        if len(set(names)) != len(names):
            raise SignatureError(f"{match[1]} names an argument twice")
        if words[True] > 4:
            raise SignatureError(f"{match[1]} has more than three indexed arguments")
        return cls(match[1], tuple(fields), f"{match[1]}({','.join(types)})", words[True], words[False], declaration)

    def field(self, name: str) -> Field:
        """Return the argument of that name. Raises KeyError."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)


def _split(text: str) -> list[str]:
    """Split at the commas that are in no bracket."""
    parts, depth, start = [], 0, 0
    for index, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            raise SignatureError(f"the brackets of {text!r} do not match")
        if letter == "," and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    if depth:
        raise SignatureError(f"the brackets of {text!r} do not match")
    return [*parts, text[start:]] if text.strip() else []


def _argument(text: str, fields: list[Field], words: dict[bool, int], prefix: str = "") -> str:
    """Read one argument, append its fields, and return its canonical type."""
    text = text.strip()
    if text.startswith("("):
        inner, _, name = text[1:].rpartition(")")
        if not NAME.match(name.strip()):
            raise SignatureError(f"the struct {text!r} needs a name and can't be indexed")
        members = [_argument(member, fields, words, prefix=f"{prefix}{name.strip()}.") for member in _split(inner)]
        if any(field.dynamic for field in fields if field.name.startswith(f"{prefix}{name.strip()}.")):
            raise SignatureError(f"the struct {text!r} holds an array, bytes or a string, which is not supported")
        return f"({','.join(members)})"
    parts = text.split()
    indexed = len(parts) == 3 and parts[1] == "indexed"
    if not (len(parts) == 2 or indexed) or not NAME.match(parts[-1]):
        raise SignatureError(f"the argument {text!r} is not of the form: type [indexed] name")
    if indexed and prefix:
        raise SignatureError(f"{text!r} in a struct can't be indexed")
    field = _field(prefix + parts[-1], parts[0], indexed, words[indexed])
    fields.append(field)
    words[indexed] += 1
    return field.type


def _field(name: str, type_: str, indexed: bool, word: int) -> Field:
    match = TYPE.match(type_)
    if match is None:
        raise SignatureError(f"the type {type_} of {name} is not supported")
    number, width, address, boolean, fixed, length, text, array = match.groups()
    if number:
        bits = int(width or 256)
        if bits % 8 or not 8 <= bits <= 256:
            raise SignatureError(f"there is no type {type_}")
        type_ = f"{number}{bits}{array or ''}"
    elif fixed and length:
        bits = 256
        if not 1 <= int(length) <= 32:
            raise SignatureError(f"there is no type {type_}")
    else:
        bits = 160 if address else 1 if boolean else 256
    dynamic = bool(text or array or (fixed and not length))
    if array and array != "[]":
        raise SignatureError(f"the type {type_} of {name} is not supported")
    # Indexed dynamic arguments leave only their hash in the topic.
    return Field(name, type_, indexed, word, 256 if dynamic else bits, number == "int", dynamic)


def rows_of(logs: LogColumns, schemas: Sequence[EventSchema]) -> npt.NDArray[np.int16]:
    """Return for each log the index of the schema whose event it is, -1 for none.

    An event is told by its first topic and the number of topics, since indexed and plain variants share the first.
    """
    found = np.full(len(logs), -1, np.int16)
    if not len(logs):
        return found
    # Eight bytes tell the candidates apart; what matches there is compared whole.
    head = np.ascontiguousarray(logs.topics[:, 0]).view(np.uint64)
    for index, schema in enumerate(schemas):
        wanted = np.frombuffer(schema.topic0, np.uint64)
        hits = (head[:, 0] == wanted[0]) & (logs.topic_count == schema.topic_count)
        if hits.any():
            hits &= (head == wanted).all(axis=1)
            found[hits] = index
    return found


class Fields:
    """The arguments of the logs `rows` of `logs`, all of one event.

    Raises ShortLogError when a log has less data than its event's head, or bits where a narrow type must have none:
    no compiler's code leaves such a log.
    """

    def __init__(self, logs: LogColumns, rows: npt.NDArray[np.intp], schema: EventSchema) -> None:
        self._logs, self._rows, self.schema = logs, rows, schema
        starts = logs.data_offsets[:-1][rows]
        lengths = logs.data_offsets[1:][rows] - starts
        dynamic = any(field.dynamic and not field.indexed for field in schema.fields)
        size = WORD * schema.data_words
        bad = lengths < size if dynamic else lengths != size
        if bad.any():
            raise ShortLogError(bad=bad, event=schema.name)
        self._starts = starts

    def words(self, name: str) -> Words:
        """Return an argument's 32 bytes of every log, shape (n, 32)."""
        field = self.schema.field(name)
        found: Words
        if field.indexed:
            found = self._logs.topics[self._rows, field.word]
        else:
            place = self._starts + WORD * field.word
            found = self._logs.data[place[:, None] + np.arange(WORD)]
        return found

    def ints(self, name: str) -> list[int]:
        """Return a number of every log, exactly, as Python integers. Raises ShortLogError."""
        field = self.schema.field(name)
        words = self.words(name)
        bad = dirty(words, bits=field.bits, signed=field.signed)
        if bad.any():
            raise ShortLogError(bad=bad, event=self.schema.name)
        return to_ints(words, signed=field.signed)

    def addresses(self, name: str) -> list[str]:
        """Return an address of every log as lower-case hex. Raises ShortLogError."""
        words = self.words(name)
        bad = dirty(words, bits=160, signed=False)
        if bad.any():
            raise ShortLogError(bad=bad, event=self.schema.name)
        return to_addresses(words)


def dirty(words: Words, *, bits: int, signed: bool) -> npt.NDArray[np.bool_]:
    """Tell which words are no value of that many bits: the bits above must be zeros, or the sign's."""
    if bits == 256:
        return np.zeros(len(words), bool)
    found: npt.NDArray[np.bool_]
    if bits == 1:
        found = (words[:, : WORD - 1] != 0).any(axis=1) | (words[:, WORD - 1] > 1)
        return found
    above = words[:, : WORD - bits // 8]
    fill = np.where(words[:, WORD - bits // 8] >> 7, 255, 0) if signed else np.zeros(len(words), np.uint8)
    found = (above != fill[:, None]).any(axis=1)
    return found


def to_ints(words: Words, *, signed: bool) -> list[int]:
    """Return 32-byte words (n, 32) as Python integers; those that fit 63 bits cost no Python loop."""
    limbs = np.ascontiguousarray(words).view(">u8")
    low = limbs[:, 3].astype(np.int64)
    fill = (low >> 63).astype(np.uint64) if signed else np.zeros(len(words), np.uint64)
    wide = (limbs[:, :3] != fill[:, None]).any(axis=1)
    if not signed:
        wide |= low < 0
    values: list[int] = low.tolist()
    for row in np.flatnonzero(wide).tolist():
        values[row] = int.from_bytes(words[row].tobytes(), signed=signed)
    return values


def to_addresses(words: Words) -> list[str]:
    """Return the last 20 bytes of each word as lower-case hex; equal addresses share one string."""
    raw = np.ascontiguousarray(words[:, 12:]).tobytes()
    names: dict[bytes, str] = {}
    found = []
    for start in range(0, len(raw), 20):
        key = raw[start : start + 20]
        name = names.get(key)
        if name is None:
            name = names[key] = "0x" + key.hex()
        found.append(name)
    return found
