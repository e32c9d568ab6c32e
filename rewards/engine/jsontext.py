"""Strict JSON: one canonical form to write, and a reader that refuses what two programs could read apart."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from rewards.engine.errors import JsonError

MOST_NESTED = 64
_TEXT = re.compile(rb'"(?:[^"\\]++|\\.?+)*+"?+', re.DOTALL)  # matches at every quote, so it never looks twice


def nested_too_deep(raw: bytes) -> bool:
    """Tell whether JSON text opens more than MOST_NESTED lists and objects inside each other.

    Python's reader works by recursion, and where a library has raised the interpreter's limit it would overflow the
    stack instead of saying so. Brackets inside texts do not count: closing ones would hide as many that open.
    """
    text = np.frombuffer(_TEXT.sub(b"", raw) if b"\\" in raw else raw, np.uint8)
    inside = np.cumsum(text == ord('"'), dtype=np.uint8) & 1  # whether the quotes so far are odd, wrapped or not
    opens = (text == ord("[")) | (text == ord("{"))
    closes = (text == ord("]")) | (text == ord("}"))
    depth = np.cumsum((opens.astype(np.int8) - closes) * (1 - inside.astype(np.int8)), dtype=np.int32)
    return bool(depth.max(initial=0) > MOST_NESTED)


def canonical_json(value: object) -> bytes:
    """Return the one text that is hashed: UTF-8, keys sorted, no spaces. Raises ValueError on NaN or infinity."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8")


def parse_strict(raw: bytes, *, document: str) -> Any:
    """Parse UTF-8 JSON of whole numbers, text, lists, objects, true, false and null.

    Raises JsonError with the key's path for a duplicate key, a number that is not whole, text that is not
    Unicode, and anything that is not JSON at all. `document` names the text in that error.
    """
    problems: list[JsonError] = []
    value = read_json(raw, document=document, problems=problems)
    if problems:
        raise problems[0]
    return value


def read_json(raw: bytes, *, document: str, problems: list[JsonError]) -> Any:
    """Parse as `parse_strict` does, but append everything amiss to `problems` and return what can be read.

    Of a duplicate key the last value is kept; None stands for what is no value, and for text that is not JSON.
    """
    if nested_too_deep(raw):
        reason = f"it is not JSON that is nested at most {MOST_NESTED} deep"
        problems.append(JsonError(document=document, path="", reason=reason))
        return None
    try:
        text = raw.decode("utf-8")
        parsed = json.loads(text, object_pairs_hook=_Pairs, parse_float=NotWhole, parse_constant=NotWhole)
    except UnicodeDecodeError as error:
        reason = f"it is not UTF-8 (byte {error.start})"
        problems.append(JsonError(document=document, path="", reason=reason))
        return None
    except (ValueError, RecursionError) as error:
        problems.append(JsonError(document=document, path="", reason=f"it is not JSON ({error})"))
        return None
    return plain_value(parsed, document=document, path="", problems=problems)


def join_path(path: str, key: str | int) -> str:
    """Return the path of a key (`a.b`) or of a place in a list (`a[0]`)."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


class NotWhole(str):
    """A number as it is written that is not whole, NaN or infinite, until its path is known."""

    __slots__ = ()


class _Pairs(list[tuple[str, Any]]):
    """The members of one object, duplicates kept, until its path is known."""


def plain_value(value: Any, *, document: str, path: str, problems: list[JsonError]) -> Any:
    """Return a parsed value with None for what is no value, and append to `problems` where that is."""
    if isinstance(value, _Pairs):
        return _plain_object(value, document=document, path=path, problems=problems)
    if isinstance(value, dict):
        return _plain_object(list(value.items()), document=document, path=path, problems=problems)
    if isinstance(value, list):
        return [
            plain_value(each, document=document, path=join_path(path, i), problems=problems)
            for i, each in enumerate(value)
        ]
    if isinstance(value, NotWhole):
        problems.append(JsonError(document=document, path=path, reason=f"{value} is not a whole number"))
        return None
    if isinstance(value, str) and not _is_text(value):
        problems.append(JsonError(document=document, path=_shown(path), reason=_HALF_A_PAIR))
        return None
    return value


def _plain_object(
    pairs: Sequence[tuple[str, Any]], *, document: str, path: str, problems: list[JsonError]
) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, value in pairs:
        if not _is_text(key):
            problems.append(JsonError(document=document, path=_shown(path), reason=_HALF_A_PAIR))
            continue
        place = join_path(path, key)
        if key in members:
            problems.append(JsonError(document=document, path=place, reason="the key is there twice"))
        members[key] = plain_value(value, document=document, path=place, problems=problems)
    return members


_HALF_A_PAIR = "it holds half of a surrogate pair, which is no text"


def _is_text(text: str) -> bool:
    """Whether it is free of halves of surrogate pairs, which JSON can write but UTF-8 cannot."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _shown(path: str) -> str:
    return path.encode("utf-8", "replace").decode()
