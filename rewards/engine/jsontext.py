"""Strict JSON: one canonical form to write, and a reader that refuses what two programs could read apart."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn

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
    if nested_too_deep(raw):
        raise JsonError(document=document, path="", reason=f"it is not JSON that is nested at most {MOST_NESTED} deep")
    try:
        text = raw.decode("utf-8")
        parsed = json.loads(text, object_pairs_hook=_Pairs, parse_float=_not_whole, parse_constant=_not_whole)
    except UnicodeDecodeError as error:
        reason = f"it is not UTF-8 (byte {error.start})"
        raise JsonError(document=document, path="", reason=reason) from error
    except (ValueError, RecursionError) as error:
        raise JsonError(document=document, path="", reason=f"it is not JSON ({error})") from error
    return _plain(parsed, document=document, path="")


def join_path(path: str, key: str | int) -> str:
    """Return the path of a key (`a.b`) or of a place in a list (`a[0]`)."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


class _Pairs(list[tuple[str, Any]]):
    """The members of one object, duplicates kept, until its path is known."""


def _not_whole(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a whole number")


def _plain(value: Any, *, document: str, path: str) -> Any:
    if isinstance(value, _Pairs):
        return _plain_object(value, document=document, path=path)
    if isinstance(value, list):
        return [_plain(each, document=document, path=join_path(path, i)) for i, each in enumerate(value)]
    if isinstance(value, str):
        _check_text(value, document=document, path=path)
    return value


def _plain_object(pairs: Sequence[tuple[str, Any]], *, document: str, path: str) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, value in pairs:
        _check_text(key, document=document, path=path)
        place = join_path(path, key)
        if key in members:
            raise JsonError(document=document, path=place, reason="the key is there twice")
        members[key] = _plain(value, document=document, path=place)
    return members


def _check_text(text: str, *, document: str, path: str) -> None:
    """Refuse half of a surrogate pair, which JSON can write but UTF-8 cannot."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        reason = "it holds half of a surrogate pair, which is no text"
        raise JsonError(document=document, path=path.encode("utf-8", "replace").decode(), reason=reason) from error
