"""Every known way to break a bundle's inputs: which file, how, and a word of the sentence that it must give."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet

from tests.engine.published import INPUTS

Break = Callable[[Path], object]


def rewrite(name: str, change: Callable[[str], str]) -> Break:
    """A break that changes a text file, which it has to change."""

    def broken(bundle: Path) -> None:
        before = (bundle / name).read_text("utf-8")
        after = change(before)
        assert after != before
        (bundle / name).write_text(after, "utf-8")

    return broken


def change_terms(change: Callable[[dict[str, Any]], object]) -> Break:
    """A break that changes the terms' document."""

    def changed(text: str) -> str:
        document = json.loads(text)
        change(document)
        return json.dumps(document, sort_keys=True, separators=(",", ":"))

    return rewrite("terms.json", changed)


def change_market(**changes: Any) -> Break:
    """A break that changes the first market's terms."""
    return change_terms(lambda terms: next(iter(terms["markets"].values())).update(changes))


def first_row(text: str) -> str:
    return text.splitlines()[1]


def upper_address(text: str) -> str:
    address = first_row(text).partition(",")[0]
    return text.replace(address, "0x" + address[2:].upper())


def shift(text: str, by_ms: int) -> str:
    """Let the second session start earlier or later."""
    lines = text.splitlines()
    start, end, kind = lines[2].split(",")
    lines[2] = f"{int(start) + by_ms},{end},{kind}"
    return "\n".join(lines) + "\n"


def end_at(text: str, end_ms: int) -> str:
    """Let the last session end at a time."""
    *before, last = text.splitlines()
    start, _, kind = last.split(",")
    return "\n".join([*before, f"{start},{end_ms},{kind}"]) + "\n"


def truncate(bundle: Path) -> None:
    path = bundle / "events.parquet"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def drop_column(bundle: Path) -> None:
    path = bundle / "events.parquet"
    table = pyarrow.parquet.read_table(path)
    pyarrow.parquet.write_table(table.drop_columns(["taker"]), path)


def wrap_column(name: str, wrap: Callable[[Any], object]) -> Break:
    """A break that puts every value of a column into something else."""

    def wrapped(bundle: Path) -> None:
        path = bundle / "events.parquet"
        rows = pyarrow.parquet.read_table(path)
        column = pyarrow.array([wrap(each) for each in rows.column(name).to_pylist()])
        pyarrow.parquet.write_table(rows.set_column(rows.column_names.index(name), name, column), path)

    return wrapped


def mixed_case_event(bundle: Path) -> None:
    path = bundle / "events.parquet"
    rows = pyarrow.parquet.read_table(path)
    place = next(row for row in rows.to_pylist() if row["address"])["address"]
    addresses = [each and each.replace(place, "0x" + place[2:].upper()) for each in rows.column("address").to_pylist()]
    column = rows.column_names.index("address")
    pyarrow.parquet.write_table(rows.set_column(column, "address", pyarrow.array(addresses)), path)


def event_twice(bundle: Path) -> None:
    path = bundle / "events.parquet"
    rows = pyarrow.parquet.read_table(path)
    pyarrow.parquet.write_table(pyarrow.concat_tables([rows.slice(0, 1), rows]), path)


def replace_by(name: str, make: Callable[[Path], object]) -> Break:
    """A break that puts something else in a file's place."""

    def broken(bundle: Path) -> None:
        (bundle / name).unlink()
        make(bundle / name)

    return broken


def remove(name: str) -> Break:
    return lambda bundle: (bundle / name).unlink()


BROKEN_INPUTS: dict[str, tuple[str, Break, str]] = {
    **{f"{name} is missing": (name, remove(name), "missing") for name in INPUTS},
    "terms that are no JSON": ("terms.json", rewrite("terms.json", lambda text: text[:-1]), "not JSON"),
    "terms with an unknown key": ("terms.json", change_terms(lambda t: t.update(bonus=1)), "bonus: the key is unknown"),
    "terms with an unknown key of a market": ("terms.json", change_market(bonus=1), "bonus: the key is unknown"),
    "terms with a duplicate key": (
        "terms.json", rewrite("terms.json", lambda text: text.replace("{", '{"budget":"1",', 1)),
        "budget: the key is there twice",
    ),
    "terms without a key": ("terms.json", change_terms(lambda t: t.pop("budget")), "budget: the key is missing"),
    "terms with a value out of range": ("terms.json", change_market(max_share_bps=10_001), "it is 10001"),
    "terms with a fraction": (
        "terms.json", rewrite("terms.json", lambda text: text.replace('"version":1', '"version":1.0')),
        "1.0 is not a whole number",
    ),
    "terms whose shares do not sum": (
        "terms.json", change_market(quoting_share_bps=1, fills_share_bps=1, stress_share_bps=1), "sum to 3 bps",
    ),
    "terms nested too deep": ("terms.json", rewrite("terms.json", lambda text: "[" * 10_000), "nested"),
    "terms nested too deep behind a text that seems to close as much": (
        "terms.json", rewrite("terms.json", lambda text: f'["{"]" * 900}",{"[" * 900}{"]" * 900}]'), "nested",
    ),
    "terms nested too deep behind an escaped quote": (
        "terms.json", rewrite("terms.json", lambda text: rf'["\"{"]" * 900}\\",{"[" * 900}{"]" * 900}]'), "nested",
    ),
    "sessions that end beyond an int64": (
        "sessions.csv", rewrite("sessions.csv", lambda text: end_at(text, 2**63)), "does not fit an int64",
    ),
    "sessions that end at a number without end": (
        "sessions.csv", rewrite("sessions.csv", lambda text: end_at(text, 10**99)), "does not fit an int64",
    ),
    "sessions with a hole": ("sessions.csv", rewrite("sessions.csv", lambda text: shift(text, 1)), "a hole"),
    "sessions that overlap": ("sessions.csv", rewrite("sessions.csv", lambda text: shift(text, -1)), "overlaps"),
    "sessions that end before the epoch does": (
        "sessions.csv", rewrite("sessions.csv", lambda text: "\n".join(text.splitlines()[:-1]) + "\n"), "ends at",
    ),
    "sessions of an unknown kind": (
        "sessions.csv", rewrite("sessions.csv", lambda text: text + "1,2,lunch\n"), "unknown kind",
    ),
    "no sessions": ("sessions.csv", rewrite("sessions.csv", lambda text: text.splitlines()[0] + "\n"), "none"),
    "a table without its heading": (
        "makers.csv", rewrite("makers.csv", lambda text: text.partition("\n")[2]), "the first line has to be",
    ),
    "a row that is too short": ("makers.csv", rewrite("makers.csv", lambda text: text + "0x1\n"), "has to hold 2"),
    "a table that is not UTF-8": (
        "makers.csv", lambda bundle: (bundle / "makers.csv").write_bytes(b"address,maker\n\xff,x\n"), "UTF-8",
    ),
    "an address twice": (
        "makers.csv", rewrite("makers.csv", lambda text: text + first_row(text) + "\n"), "is there twice",
    ),
    "an address in mixed case": ("makers.csv", rewrite("makers.csv", upper_address), "lower-case"),
    "a maker without a name": (
        "makers.csv", rewrite("makers.csv", lambda text: text + "0x" + "9" * 40 + ",\n"), "without a name",
    ),
    "a maker without a payout account": (
        "payouts.csv", rewrite("payouts.csv", lambda text: text.splitlines()[0] + "\n"), "no payout account",
    ),
    "payout shares that do not sum": (
        "payouts.csv", rewrite("payouts.csv", lambda text: text + first_row(text) + "\n"), "ppm instead of 1000000",
    ),
    "a payout account that is none": (
        "payouts.csv", rewrite("payouts.csv", lambda text: text + "nobody,0xABC,1000000\n"), "lower-case hex digits",
    ),
    "a maker that carries twice": (
        "carried_in.csv", rewrite("carried_in.csv", lambda text: text + "nobody,1\nnobody,2\n"), "is there twice",
    ),
    "a carried amount that is none": (
        "carried_in.csv", rewrite("carried_in.csv", lambda text: text + "nobody,1e18\n"), "not a whole number",
    ),
    "a previous tree with a leaf twice": (
        "previous_cumulative.json",
        rewrite("previous_cumulative.json", lambda text: json.dumps([json.loads(text)[0]] * 2)), "is there twice",
    ),
    "a previous tree that is no list": (
        "previous_cumulative.json", rewrite("previous_cumulative.json", lambda text: "{}"), "has to be a list",
    ),
    "a previous tree with an address in mixed case": (
        "previous_cumulative.json",
        rewrite("previous_cumulative.json", lambda text: json.dumps([["0x" + "A" * 40, "0x" + "a" * 40, "1"]])),
        "lower-case hex digits",
    ),
    "Parquet that ends early": ("events.parquet", truncate, "not whole Parquet"),
    "Parquet that is none": (
        "events.parquet", lambda bundle: (bundle / "events.parquet").write_bytes(b""), "not whole Parquet",
    ),
    "events without a column": ("events.parquet", drop_column, "the column taker"),
    "events whose market is a list": ("events.parquet", wrap_column("market", lambda each: [each]), "type list"),
    "events whose side is a record": ("events.parquet", wrap_column("side", lambda each: {"is": each}), "type struct"),
    "events whose size is a list": ("events.parquet", wrap_column("size", lambda each: [each]), "type list"),
    "an event's address in mixed case": ("events.parquet", mixed_case_event, "not lower-case hex"),
    "an event that is there twice": ("events.parquet", event_twice, "log index"),
    "a link to itself": ("terms.json", replace_by("terms.json", lambda p: p.symlink_to(p)), "cannot be read"),
    "a link that leads nowhere": (
        "previous_cumulative.json", replace_by("previous_cumulative.json", lambda p: p.symlink_to("gone")), "nowhere",
    ),
    "a link to an endless device": (
        "makers.csv", replace_by("makers.csv", lambda p: p.symlink_to("/dev/zero")), "it is not a file",
    ),
    "a pipe": ("events.parquet", replace_by("events.parquet", os.mkfifo), "it is not a file"),
    "a folder": ("payouts.csv", replace_by("payouts.csv", lambda p: p.mkdir()), "it is not a file"),
}  # fmt: skip
