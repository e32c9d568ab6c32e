"""Terms as TOML: a reader that loses nothing of what is amiss, and a writer; both map one to one onto the JSON.

TOML's tables are JSON's objects, its arrays lists, its strings text, its integers whole numbers. Anything else that
TOML knows (floats, dates) has no counterpart and is refused where it stands.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from rewards.engine.errors import JsonError
from rewards.engine.jsontext import NotWhole, join_path, plain_value

_MOST_DOUBLED = 100
_PLACE = re.compile(r"\(at line (\d+), column \d+\)$")
_DOUBLED = (
    "Cannot overwrite a value",
    "Cannot declare",
    "Cannot redefine",
    "Cannot mutate",
    "Duplicate inline table key",
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def read_toml(raw: bytes, *, document: str, problems: list[JsonError]) -> Any:
    """Parse UTF-8 TOML; append everything amiss to `problems` and return what can be read, None when nothing can.

    A key that is there twice is named by its path, and reading goes on without the second one. `document` names the
    text in the problems.
    """
    try:
        lines = raw.decode("utf-8").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        problems.append(JsonError(document=document, path="", reason=f"it is not UTF-8 (byte {error.start})"))
        return None
    for _ in range(_MOST_DOUBLED):
        try:
            parsed = tomllib.loads("\n".join(lines), parse_float=NotWhole)
            return plain_value(parsed, document=document, path="", problems=problems)
        except (ValueError, RecursionError) as error:
            doubled = _doubled_key(str(error), lines)
            if doubled is None:
                problems.append(JsonError(document=document, path="", reason=f"it is not TOML ({error})"))
                return None
            line, path = doubled
            problems.append(JsonError(document=document, path=path, reason="the key is there twice"))
            lines[line] = ""
    return None


def write_toml(document: Mapping[str, Any]) -> str:
    """Return a document of whole numbers, text, lists and objects as TOML. Raises TypeError for anything else."""
    return "\n".join(_table(document, ())).strip("\n") + "\n"


def _table(members: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    plain = {key: value for key, value in members.items() if not _is_table(value, path)}
    if path and (plain or not members):
        yield f"\n[{'.'.join(map(_key, path))}]"
    for key, value in plain.items():
        yield f"{_key(key)} = {_value(value)}"
    for key, value in members.items():
        if _is_table(value, path):
            yield from _table(value, (*path, key))


def _is_table(value: Any, path: tuple[str, ...]) -> bool:
    """Objects inside a market stand on one line each, so that its terms are seen together."""
    return isinstance(value, Mapping) and len(path) < 2


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    raise TypeError(f"TOML of terms has no {type(value).__name__}")


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _text(text: str) -> str:
    """Write text in JSON's escapes, all of which TOML knows; it wants DEL escaped as well."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _doubled_key(message: str, lines: list[str]) -> tuple[int, str] | None:
    """Return the line of a key's second place and the key's path; None when something else is wrong."""
    place = _PLACE.search(message)
    if place is None or not message.startswith(_DOUBLED):
        return None
    line = int(place[1]) - 1
    try:
        if lines[line].lstrip().startswith("["):
            return line, _path_of(lines[line].strip().strip("[]"))
        headers = [text.strip() for text in lines[:line] if text.lstrip().startswith("[")]
        table = _path_of(headers[-1].split("#")[0].strip().strip("[]")) if headers else ""
        return line, join_path(table, _path_of(lines[line].split("=", 1)[0].strip()))
    except (ValueError, IndexError):
        return None


def _path_of(key: str) -> str:
    """Turn a TOML key, dots and quotes included, into a path."""
    inside: Any = tomllib.loads(f"{key} = 0")
    path = ""
    while isinstance(inside, dict):
        name, inside = next(iter(inside.items()))
        path = join_path(path, name)
    return path
