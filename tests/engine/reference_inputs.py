"""Reads a bundle's inputs for the reference into plain dicts and lists; names what makes one broken."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet


class BrokenBundleError(Exception):
    """The bundle breaks a stated rule; `kind` says which, the rest says where."""

    def __init__(self, kind: str, *, block: int | None = None, log_index: int | None = None, what: str = "") -> None:
        super().__init__(f"{kind} (block {block}, log {log_index}) {what}".strip())
        self.kind, self.block, self.log_index, self.what = kind, block, log_index, what


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file with a header."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def once(pairs: list[tuple[Any, Any]], kind: str) -> dict[Any, Any]:
    """A dict of the pairs; a key that comes twice is an error of that kind."""
    result: dict[Any, Any] = {}
    for key, value in pairs:
        if key in result:
            raise BrokenBundleError(kind, what=str(key))
        result[key] = value
    return result


def read_sessions(path: Path, epoch: dict[str, int]) -> list[tuple[int, int, str]]:
    """Sessions as (start_ms, end_ms, kind), which must cover the epoch without hole or overlap."""
    sessions = [(int(row["start_ms"]), int(row["end_ms"]), row["kind"]) for row in rows_of(path)]
    for before, after in pairwise(sessions):
        if after[0] > before[1]:
            raise BrokenBundleError("session_hole", what=str(before[1]))
        if after[0] < before[1]:
            raise BrokenBundleError("session_overlap", what=str(after[0]))
    if not sessions or sessions[0][0] > epoch["start_ms"] or sessions[-1][1] < epoch["end_ms"]:
        raise BrokenBundleError("session_hole", what="an end of the epoch")
    return sessions


@dataclass
class Bundle:
    """The inputs of an epoch as they lie in a bundle's directory."""

    terms: dict[str, Any]
    sessions: list[tuple[int, int, str]]
    makers: dict[str, str]
    payouts: dict[str, list[tuple[str, int]]]
    carried_in: dict[str, int]
    previous: dict[tuple[str, str], int]
    events: list[dict[str, Any]]
    splits: list[dict[str, str]]
    operators: dict[tuple[str, str], str] = field(default_factory=dict)
    holders: list[tuple[str, str, int]] = field(default_factory=list)


def read_bundle(directory: Path) -> Bundle:
    """Reads a bundle's inputs; raises BrokenBundleError for doubled keys and sessions that do not fit."""
    terms = json.loads((directory / "terms.json").read_text(encoding="utf-8"))
    payouts: dict[str, list[tuple[str, int]]] = {}
    for row in rows_of(directory / "payouts.csv"):
        payouts.setdefault(row["maker"], []).append((row["account"], int(row["share_ppm"])))
    makers = [(row["address"], row["maker"]) for row in rows_of(directory / "makers.csv")]
    carried = [(row["maker"], int(row["amount"])) for row in rows_of(directory / "carried_in.csv")]
    splits = directory / "splits.csv"
    before = directory / "previous_cumulative.json"
    vaults, holders = directory / "vaults.csv", directory / "holders.csv"
    tree = json.loads(before.read_text(encoding="utf-8")) if before.exists() else []
    return Bundle(
        terms=terms,
        sessions=read_sessions(directory / "sessions.csv", terms["epoch"]),
        makers=once(makers, "address_twice"),
        payouts=payouts,
        carried_in=once(carried, "carried_twice"),
        previous=once([((account, token), int(amount)) for account, token, amount in tree], "leaf_twice"),
        events=pyarrow.parquet.read_table(directory / "events.parquet").to_pylist(),
        operators={(row["maker"], row["vault"]): row["operator"] for row in rows_of(vaults)} if vaults.exists() else {},
        holders=[(row["vault"], row["account"], int(row["weight"])) for row in rows_of(holders)]
        if holders.exists()
        else [],
        splits=rows_of(splits) if splits.exists() else [],
    )
