"""docker/compose.yml as Compose would read it: variables filled in, one service's command and environment at a time."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
PATH = REPOSITORY / "docker" / "compose.yml"
EXAMPLE = REPOSITORY / "docker" / "env.example"
# compose-spec, 12-interpolation.md: ${NAME}, ${NAME:-default} and ${NAME:?error}; $$ is a dollar sign.
VARIABLE = re.compile(r"\$(?:(\$)|\{([A-Z_][A-Z0-9_]*)(?::([-?])([^}]*))?\})")


class UnsetError(Exception):
    """A variable that must be set is not."""


def text() -> str:
    return PATH.read_text()


def document() -> dict[str, Any]:
    """The file as it is written, anchors and merges worked out."""
    return yaml.safe_load(text())


def example() -> dict[str, str]:
    """What docker/env.example sets."""
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def resolved(values: Mapping[str, str]) -> dict[str, Any]:
    """The file with variables filled in. Raises UnsetError with the file's own words."""
    return _filled(document(), values)


def strings(node: Any) -> Iterator[str]:
    """Every text in the file, keys left out."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for each in node.values():
            yield from strings(each)
    elif isinstance(node, list):
        for each in node:
            yield from strings(each)


def _filled(node: Any, values: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {name: _filled(each, values) for name, each in node.items()}
    if isinstance(node, list):
        return [_filled(each, values) for each in node]
    return VARIABLE.sub(lambda match: _value(match, values), node) if isinstance(node, str) else node


def _value(match: re.Match[str], values: Mapping[str, str]) -> str:
    dollar, name, kind, rest = match.groups()
    if dollar:
        return "$"
    if found := values.get(name):
        return found
    if kind == "?":
        raise UnsetError(f"{name}: {rest}")
    return rest if kind == "-" else ""
