"""Reads the documentation as its readers do: its fenced blocks, in their order."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"
_FENCE = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file that it is to be written to, and its text."""

    language: str
    file: str
    text: str


def blocks(page: str) -> Iterator[Block]:
    """Yield the blocks of a page, named from docs/ on."""
    for language, file, text in _FENCE.findall((DOCS / page).read_text(encoding="utf-8")):
        yield Block(language, file, text)


def shown(text: str) -> re.Pattern[str]:
    """Return what matches an output that is shown: `…` stands for anything within a line."""
    return re.compile("[^\n]*".join(re.escape(part) for part in text.strip().split("…")))


def tables(text: str) -> list[list[list[str]]]:
    """Return the tables of a page in their order, each with its heading first, cells as they are written."""
    found: list[list[list[str]]] = []
    inside = False
    for line in re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE).splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not inside:
            found.append([])
        inside = True
        if not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
            found[-1].append(cells)
    return found
