"""Evidence bundles on disk: read and write the inputs, write the outputs and the manifest.

Source: docs/spec/evidence.md. Checking a bundle is in `rewards.engine.verify`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rewards.engine import tables
from rewards.engine.actions import Action, Toggle
from rewards.engine.errors import (
    BundleError,
    DataError,
    EngineError,
    EventsError,
    InputError,
    OutputError,
    PayoutError,
    SessionsError,
    TermsError,
)
from rewards.engine.events import HALT, RESUME, SCHEMA, EventColumns
from rewards.engine.files import check_directory, check_regular, hash_file, is_there, read_file, why
from rewards.engine.inputs import Inputs
from rewards.engine.jsontext import canonical_json
from rewards.engine.scoring import Result
from rewards.engine.terms import Terms, parse_terms
from rewards.engine.vaults import Vaults

ENGINE_VERSION = "1"
MANIFEST, MANIFEST_SUM = "manifest.json", "manifest.sha256"
TERMS, EVENTS, TREE = "terms.json", "events.parquet", "tree.json"
OPTIONAL: Mapping[str, int] = {tables.SPLITS: 2, tables.ACTIONS: 2, tables.VAULTS: 2, tables.HOLDERS: 2}
"""Files that a bundle may have, and the version of a manifest that names one: who knows only 1 must refuse them."""
BATCH_ROWS = 1 << 20
_WORDS = ["market", "kind", "address", "side", "taker"]


@dataclass(frozen=True)
class ManifestFields:
    """What manifest.json says beside the versions and the hashes of the files.

    venue: adapter name and contract addresses, as JSON. root, previous_root: 0x hex, or None for no tree. audit: where
    the audit log stood ({"sequence": 7, "hash": "0x…"}), None to leave the key out.
    replaces: the manifest hash of the epoch's former result, 0x hex, when it was scored again; else None.
    """

    program: str
    epoch: int
    chain_id: int
    distributor: str
    venue: Mapping[str, Any]
    from_block: int
    to_block: int
    to_block_hash: str
    time_source: str
    root: str | None
    previous_root: str | None
    audit: Mapping[str, Any] | None = None
    replaces: str | None = None


def read_inputs(directory: Path | str) -> Inputs:
    """Read a bundle's inputs whole. Raises BundleError, which names the file."""
    folder = Path(directory)
    tables_of_events = [batch.to_arrow() for batch in read_events(folder)]
    table = pa.concat_tables(tables_of_events) if tables_of_events else SCHEMA.empty_table()
    return read_static(folder, events=EventColumns.from_arrow(table))


def read_static(directory: Path | str, *, events: EventColumns | None = None) -> Inputs:
    """Read a bundle's inputs but for its events, which are none or those given. Raises BundleError."""
    folder = check_directory(directory)
    check_regular(folder, EVENTS)  # known before minutes of work rather than after
    try:
        return Inputs(
            terms=read_terms(folder / TERMS),
            sessions=tables.read_sessions(read_file(folder, tables.SESSIONS)),
            makers=tables.read_makers(read_file(folder, tables.MAKERS)),
            payouts=tables.read_payouts(read_file(folder, tables.PAYOUTS)),
            carried_in=tables.read_carried_in(read_file(folder, tables.CARRIED_IN)),
            previous=tables.read_previous(read_file(folder, tables.PREVIOUS))
            if is_there(folder, tables.PREVIOUS)
            else None,
            events=EventColumns.empty() if events is None else events,
            vaults=_read_vaults(folder),
            splits=tables.read_splits(read_file(folder, tables.SPLITS)) if is_there(folder, tables.SPLITS) else (),
        )
    except EngineError as error:
        raise in_bundle(error) from error


def has_vaults(names: Iterable[str]) -> bool:
    """Say whether a bundle with files of these names pays through vaults; then it is one of version 2."""
    return not {tables.VAULTS, tables.HOLDERS}.isdisjoint(names)


def _read_vaults(folder: Path) -> Vaults:
    if not has_vaults(name for name in (tables.VAULTS, tables.HOLDERS) if is_there(folder, name)):
        return Vaults()
    return tables.read_vaults(read_file(folder, tables.VAULTS), read_file(folder, tables.HOLDERS))


def read_terms(path: Path | str) -> Terms:
    """Read a file of terms. Raises BundleError, which names it."""
    path = Path(path)
    try:
        return parse_terms(read_file(path.parent, path.name))
    except TermsError as error:
        raise BundleError(file=path.name, reason=_reason(error)) from error


def read_events(directory: Path | str, *, batch_rows: int = BATCH_ROWS) -> Iterator[EventColumns]:
    """Yield the events in batches, in the file's order, without holding the whole file. Raises BundleError."""
    path = Path(directory) / EVENTS
    if not path.exists():
        raise BundleError(file=EVENTS, reason="the file is missing")
    try:
        _check_columns(pq.read_schema(path))  # first: the next line needs the columns of text to be there
        with pq.ParquetFile(path, read_dictionary=_WORDS, page_checksum_verification=True) as parquet:
            for batch in parquet.iter_batches(batch_size=batch_rows, columns=SCHEMA.names):
                batch.validate(full=True)  # a damaged page can hold codes of no word, or bytes that are no text
                yield EventColumns.from_arrow(batch)
    except EventsError as error:
        raise in_bundle(error) from error
    except (OSError, ValueError, pa.ArrowException) as error:
        raise BundleError(file=EVENTS, reason=f"it is not whole Parquet ({_first_line(error)})") from error


def read_toggles(directory: Path | str) -> dict[str, list[Toggle]]:
    """Return each market's halts and resumes, in the file's order: (time_ms, whether it stops)."""
    toggles: dict[str, list[Toggle]] = {}
    for events in read_events(directory):
        names = events.market.values.to_pylist()
        for row in np.flatnonzero((events.kind == HALT) | (events.kind == RESUME)).tolist():
            market = names[events.market.codes[row]]
            toggles.setdefault(market, []).append((int(events.time_ms[row]), bool(events.kind[row] == HALT)))
    return toggles


def write_inputs(directory: Path | str, inputs: Inputs) -> None:
    """Write the inputs; files that a bundle may lack only when they have something to say."""
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        TERMS: inputs.terms.canonical,
        tables.SESSIONS: tables.write_sessions(inputs.sessions),
        tables.MAKERS: tables.write_makers(inputs.makers),
        tables.PAYOUTS: tables.write_payouts(inputs.payouts),
        tables.CARRIED_IN: tables.write_amounts(tables.CARRIED_IN, inputs.carried_in),
    }
    if inputs.vaults:
        files[tables.VAULTS] = tables.write_vaults(inputs.vaults)
        files[tables.HOLDERS] = tables.write_holders(inputs.vaults)
    if inputs.previous is not None:
        files[tables.PREVIOUS] = tables.write_previous(inputs.previous)
    if inputs.splits:
        files[tables.SPLITS] = tables.write_splits(inputs.splits)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    write_events(folder, [_sorted(inputs.events.to_arrow())])


def write_events(directory: Path | str, batches: Iterable[pa.Table]) -> None:
    """Write events.parquet from tables of docs/spec/evidence.md's columns that are in block order already."""
    path = Path(directory) / EVENTS
    with pq.ParquetWriter(path, SCHEMA, compression="zstd", write_page_checksum=True) as writer:
        for batch in batches:
            writer.write_table(batch.select(SCHEMA.names).cast(SCHEMA), row_group_size=BATCH_ROWS)


def write_actions(directory: Path | str, actions: Sequence[Action]) -> None:
    """Write actions.csv, before the manifest; without actions there is none."""
    if actions:
        (Path(directory) / tables.ACTIONS).write_bytes(tables.write_actions(actions))


def version_of(names: Iterable[str]) -> int:
    """Return the manifest's version for a bundle of these files."""
    return max([1, *(OPTIONAL[name] for name in names if name in OPTIONAL)])


def write_outputs(directory: Path | str, inputs: Inputs, result: Result) -> None:
    """Write scores.csv, allocations.csv, carried_out.csv and, when there is a tree, tree.json.

    Raises OutputError when they cannot be written there.
    """
    folder = path = Path(directory)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in output_files(result).items():
            path = folder / name
            path.write_bytes(content)
    except OSError as error:
        raise OutputError(path=str(path), reason=why(error)) from error


def output_files(result: Result) -> dict[str, bytes]:
    """Return the files that scoring yields, by name."""
    files = {
        tables.SCORES: tables.write_scores(result.scores),
        tables.ALLOCATIONS: tables.write_allocations(result.allocations),
        tables.CARRIED_OUT: tables.write_amounts(tables.CARRIED_OUT, result.carried_out),
    }
    if result.tree is not None:
        files[TREE] = canonical_json(result.tree.dump())
    return files


def write_manifest(directory: Path | str, fields: ManifestFields) -> str:
    """Write manifest.json over every file that is there, and its hash beside it; return that hash, 0x hex.

    `manifest.sha256` is in the form that `sha256sum -c` reads; it makes a change of the manifest itself show.
    """
    folder = Path(directory)
    names = sorted(each.name for each in folder.iterdir() if each.name not in (MANIFEST, MANIFEST_SUM))
    document = {
        **asdict(fields),
        "version": version_of(names),
        "engine_version": ENGINE_VERSION,
        "files": {name: hash_file(folder, name) for name in names},
    }
    if fields.audit is None:
        del document["audit"]
    if fields.replaces is None:
        del document["replaces"]
    content = canonical_json(document)
    digest = hashlib.sha256(content).hexdigest()
    (folder / MANIFEST).write_bytes(content)
    (folder / MANIFEST_SUM).write_bytes(f"{digest}  {MANIFEST}\n".encode())
    return "0x" + digest


def in_bundle(error: EngineError) -> EngineError:
    """Return an error of the inputs as one that names the bundle's file; others as they are."""
    name = _file_of(error)
    return BundleError(file=name, reason=_reason(error)) if name else error


def _file_of(error: EngineError) -> str | None:
    match error:
        case InputError():
            return f"{error.table}.json" if f"{error.table}.json" == tables.PREVIOUS else f"{error.table}.csv"
        case SessionsError():
            return tables.SESSIONS
        case TermsError():
            return TERMS
        case PayoutError():
            return tables.PAYOUTS
        case EventsError() | DataError():
            return EVENTS
        case _:
            return None


def _reason(error: EngineError) -> str:
    """Return what is wrong, without the name of the table that the file's name says already."""
    match error:
        case InputError() | SessionsError() | EventsError():
            return error.reason
        case TermsError():
            return f"{error.path}: {error.reason}" if error.path else error.reason
        case _:
            return str(error).removesuffix(".")


def _sorted(table: pa.Table) -> pa.Table:
    """Return the events by block and log index; equal keys keep their order."""
    block, log_index = table.column("block").to_numpy(), table.column("log_index").to_numpy()
    rises = (block[1:] > block[:-1]) | ((block[1:] == block[:-1]) & (log_index[1:] >= log_index[:-1]))
    return table if rises.all() else table.take(pa.array(np.lexsort((log_index, block))))


def _check_columns(schema: pa.Schema) -> None:
    for name in SCHEMA.names:
        if schema.names.count(name) != 1:
            raise EventsError(reason=f"the column {name} is missing or there twice")
        found = schema.field(name).type
        if pa.types.is_nested(found):  # such a column has no place in the file that goes by its name
            raise EventsError(reason=f"the column {name} is of type {found} and has to be a single value")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
