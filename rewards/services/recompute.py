"""An epoch worked out again from the chain itself: its events from a node, then everything from the events.

Source: docs/spec/evidence.md, the last section. Needs no database of ours and no key.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from onchain.blocktime import SECOND_MS, TIME_SOURCE
from onchain.market_events import SCHEMA
from onchain.rederive import FromChain, MarketSpec, events_from_chain, transfers_from_chain
from onchain.rpc import RpcClient
from rewards.engine import tables
from rewards.engine.actions import HALT, entered_halts
from rewards.engine.bundle import read_static, read_toggles
from rewards.engine.errors import BundleError
from rewards.engine.evidence import Difference, Report, read_terms, verify_bundle
from rewards.engine.files import is_there, read_file
from rewards.engine.haltrows import insert_halts
from rewards.engine.inputs import Inputs
from rewards.engine.jsontext import parse_strict
from rewards.engine.tables import HOLDERS
from rewards.engine.terms import Terms
from rewards.engine.timeweights import time_slack, time_weights
from rewards.services.entered_halts import place_halts
from rewards.services.vaults import engine_transfers, not_holders

MANIFEST, TERMS, EVENTS = "manifest.json", "terms.json", "events.parquet"


Part = TypeVar("Part")


class VaultSource(NamedTuple):
    """Where a vault's transfers begin, and the holders that have no weight, by the manifest."""

    start_block: int
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What came out. report: of the bundle by itself. difference: the first between bundle and chain, None for none."""

    report: Report
    difference: Difference | None
    events: int

    @property
    def ok(self) -> bool:
        """Whether bundle, recomputation and chain agree."""
        return self.report.ok and self.difference is None


def read_manifest(bundle: Path) -> dict[str, Any]:
    """Return the bundle's manifest. Raises BundleError."""
    try:
        manifest = parse_strict((bundle / MANIFEST).read_bytes(), document=MANIFEST)
    except OSError as error:
        raise BundleError(file=MANIFEST, reason=f"it can't be read ({error.strerror})") from error
    if not isinstance(manifest, dict):
        raise BundleError(file=MANIFEST, reason="it is not an object")
    return manifest


def recompute(client: RpcClient, *, bundle: Path, progress: Callable[[int], None] = lambda number: None) -> Recomputed:
    """Verify a bundle, then read its blocks from the client's node and compare events and vaults' holders, row by row.

    Raises EngineError when the bundle is unreadable and OnchainError when the node can't be asked.
    """
    report = verify_bundle(bundle)
    manifest, terms = read_manifest(bundle), read_terms(bundle / TERMS)
    chain_id = int(client.call(method="eth_chainId"), 16)
    if chain_id != manifest["chain_id"]:
        return Recomputed(report, Difference(MANIFEST, "chain_id", str(manifest["chain_id"]), str(chain_id)), 0)
    markets, vaults = _markets(manifest), _vaults(manifest)
    if sorted(market.name for market in markets) != sorted(terms.markets):
        names = ", ".join(sorted(market.name for market in markets))
        return Recomputed(report, Difference(MANIFEST, "venue", names, ", ".join(sorted(terms.markets))), 0)
    halts = _entered_halts(bundle)
    found = events_from_chain(
        client, markets=markets, from_block=manifest["from_block"], to_block=manifest["to_block"],
        from_ms=terms.epoch.start_ms, to_ms=terms.epoch.end_ms, progress=progress,
        splits=_splits(bundle), instants_ms=_instants_ms(bundle, halts),
    )  # fmt: skip
    if found.to_block_hash != manifest["to_block_hash"]:
        difference = Difference(MANIFEST, "to_block_hash", manifest["to_block_hash"], found.to_block_hash)
        return Recomputed(report, difference, 0)
    published = pq.read_table(bundle / EVENTS, columns=SCHEMA.names).cast(SCHEMA)
    exact = manifest["time_source"] == TIME_SOURCE
    events = _with_halts(found, halts, terms=terms, to_block=manifest["to_block"])
    odd = events_difference(published, events, exact_times=exact)
    odd = odd or _holders_difference(client, manifest, vaults, read_static(bundle), exact_times=exact)
    return Recomputed(report, odd, events.num_rows)


def _holders_difference(
    client: RpcClient, manifest: Mapping[str, Any], sources: Mapping[str, VaultSource], inputs: Inputs, *,
    exact_times: bool,
) -> Difference | None:  # fmt: skip
    """Work out the holders' weights from the chain's transfers and return the first that differs from holders.csv.

    Without exact times a weight may be off by what its transfers' values weigh in a second.
    """
    named = sorted({vault for vault, _ in inputs.vaults.operators})
    starts = {vault: each.start_block for vault, each in sources.items()}
    if sorted(starts) != named:
        return Difference(MANIFEST, "venue.vaults", ", ".join(sorted(starts)) or "none", ", ".join(named) or "none")
    if not named:
        return None
    epoch = inputs.terms.epoch
    excluded = not_holders(token=inputs.terms.token, distributor=manifest["distributor"])
    read = transfers_from_chain(client, tokens=starts, to_block=manifest["to_block"])
    for vault in named:
        transfers = engine_transfers(read[vault])
        span = {"start_ms": epoch.start_ms, "end_ms": epoch.end_ms}
        theirs = inputs.vaults.holders.get(vault, {})
        left_out = {*excluded, *sources[vault].left_out}
        ours = time_weights(transfers, vault=vault, excluded=left_out, **span).weights
        slack = {} if exact_times else time_slack(transfers, wrong_by_ms=SECOND_MS, **span)
        for account in sorted({*theirs, *ours}):
            published, computed = theirs.get(account, 0), ours.get(account, 0)
            if abs(published - computed) > slack.get(account, 0):
                return Difference(HOLDERS, f"{account} of {vault}", str(published), str(computed))
    return None


def events_difference(published: pa.Table, computed: pa.Table, *, exact_times: bool) -> Difference | None:
    """Return the first row in which two tables of events differ, None when they are the same.

    exact_times: False compares times by their second alone, for stamps that a node gave live and no call returns.
    """
    for name in SCHEMA.names:
        theirs, ours = published.column(name).to_pylist(), computed.column(name).to_pylist()
        if name == "time_ms" and not exact_times:
            theirs, ours = [at // 1000 for at in theirs], [at // 1000 for at in ours]
        if theirs != ours:
            break
    else:
        return None
    pairs = zip(published.to_pylist(), computed.to_pylist(), strict=False)
    for row, (given, found) in enumerate(pairs, start=1):
        for name in SCHEMA.names:
            if given[name] != found[name] and (exact_times or name != "time_ms"):
                return Difference(EVENTS, f"row {row}, {name}", str(given[name]), str(found[name]))
    return Difference(EVENTS, "number of rows", str(published.num_rows), str(computed.num_rows))


def _entered_halts(bundle: Path) -> dict[str, list[tuple[int, int]]]:
    """Return the halts of actions.csv: people entered them, so no chain has them."""
    halts: dict[str, list[tuple[int, int]]] = {}
    if is_there(bundle, tables.ACTIONS):
        for action in tables.read_actions(read_file(bundle, tables.ACTIONS)):
            if action.kind == HALT and action.to_ms is not None:
                halts.setdefault(action.market, []).append((action.from_ms, action.to_ms))
    return halts


def _splits(bundle: Path) -> dict[str, list[tuple[int, int, int]]]:
    splits: dict[str, list[tuple[int, int, int]]] = {}
    if is_there(bundle, tables.SPLITS):
        for split in tables.read_splits(read_file(bundle, tables.SPLITS)):
            splits.setdefault(split.market, []).append((split.time_ms, split.new, split.old))
    return splits


def _instants_ms(bundle: Path, halts: Mapping[str, object]) -> set[int]:
    """Return the times after which a halt or resume of people may stand: all that were published of these markets."""
    if not halts:
        return set()
    toggles = read_toggles(bundle)
    return {time_ms for market in halts for time_ms, _ in toggles.get(market, ())}


def _with_halts(
    found: FromChain, halts: Mapping[str, Sequence[tuple[int, int]]], *, terms: Terms, to_block: int
) -> pa.Table:
    """Return the chain's events with the halts among them, as the evidence should have them."""
    placed, end_ms = {}, terms.epoch.end_ms
    for market, spans in halts.items():
        rows = found.events.filter(pc.equal(found.events.column("market"), market)).to_pylist()
        chain = [(row["time_ms"], row["kind"] == "halt") for row in rows if row["kind"] in ("halt", "resume")]
        toggles = entered_halts(chain, spans, start_ms=terms.epoch.start_ms, end_ms=end_ms)
        placed[market] = place_halts(toggles, block_after=found.blocks_after.get, end_ms=end_ms, last_block=to_block)
    return insert_halts(found.events, placed)


def _markets(manifest: Mapping[str, Any]) -> list[MarketSpec]:
    markets = _part(manifest, "venue", "markets", kind=dict)
    return [
        MarketSpec(
            name=name, adapter=_part(markets, name, "adapter", kind=str),
            address=_part(markets, name, "address", kind=str).lower(), start_block=_start_block(markets, name),
            config=_part(markets, name, "config", kind=dict),
        )
        for name in markets
    ]  # fmt: skip


def _vaults(manifest: Mapping[str, Any]) -> dict[str, VaultSource]:
    """Return what the manifest says of each vault."""
    vaults = _part(manifest, "venue", "vaults", kind=dict) if "vaults" in manifest["venue"] else {}
    found = {}
    for vault in vaults:
        start_block = _start_block(vaults, vault)
        left_out = _part(vaults, vault, "left_out", kind=list) if "left_out" in vaults[vault] else []
        if not all(isinstance(account, str) for account in left_out):
            raise _malformed(vault, "left_out")
        found[vault] = VaultSource(start_block, tuple(left_out))
    return found


def _start_block(objects: Mapping[str, Any], name: str) -> int:
    start_block = _part(objects, name, "start_block", kind=int)
    if isinstance(start_block, bool) or start_block < 0:
        raise _malformed(name, "start_block")
    return start_block


def _part(objects: Mapping[str, Any], name: str, key: str, *, kind: type[Part]) -> Part:
    """Return a member of one of the manifest's objects. Raises BundleError."""
    members = objects[name]
    value = members.get(key) if isinstance(members, dict) else None
    if not isinstance(value, kind):
        raise _malformed(name, key)
    return value


def _malformed(name: str, key: str) -> BundleError:
    where = key if name == "venue" else f"{name}, {key}"
    return BundleError(file=MANIFEST, reason=f"venue: {where} is missing or malformed")
