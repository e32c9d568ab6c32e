"""An epoch worked out again from the chain itself: its events from a node, then everything from the events.

Source: spec/evidence.md, the last section. Needs no database of ours and no key.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from onchain.blocktime import SECOND_MS, TIME_SOURCE
from onchain.market_events import SCHEMA
from onchain.rederive import MarketSpec, events_from_chain, transfers_from_chain
from onchain.rpc import RpcClient
from rewards.engine.bundle import read_static
from rewards.engine.errors import BundleError
from rewards.engine.evidence import Difference, Report, read_terms, verify_bundle
from rewards.engine.inputs import Inputs
from rewards.engine.jsontext import parse_strict
from rewards.engine.tables import HOLDERS
from rewards.engine.timeweights import time_slack, time_weights
from rewards.services.vaults import engine_transfers, not_holders

MANIFEST, TERMS, EVENTS = "manifest.json", "terms.json", "events.parquet"


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
    markets = _markets(manifest)
    if sorted(market.name for market in markets) != sorted(terms.markets):
        names = ", ".join(sorted(market.name for market in markets))
        return Recomputed(report, Difference(MANIFEST, "venue", names, ", ".join(sorted(terms.markets))), 0)
    found = events_from_chain(
        client, markets=markets, from_block=manifest["from_block"], to_block=manifest["to_block"],
        from_ms=terms.epoch.start_ms, to_ms=terms.epoch.end_ms, progress=progress,
    )  # fmt: skip
    if found.to_block_hash != manifest["to_block_hash"]:
        difference = Difference(MANIFEST, "to_block_hash", manifest["to_block_hash"], found.to_block_hash)
        return Recomputed(report, difference, 0)
    published = pq.read_table(bundle / EVENTS, columns=SCHEMA.names).cast(SCHEMA)
    exact = manifest["time_source"] == TIME_SOURCE
    odd = events_difference(published, found.events, exact_times=exact)
    odd = odd or _holders_difference(client, manifest, read_static(bundle), exact_times=exact)
    return Recomputed(report, odd, found.events.num_rows)


def _holders_difference(
    client: RpcClient, manifest: dict[str, Any], inputs: Inputs, *, exact_times: bool
) -> Difference | None:
    """Work out the holders' weights from the chain's transfers and return the first that differs from holders.csv.

    Without exact times a weight may be off by what its transfers' values weigh in a second.
    """
    named = sorted({vault for vault, _ in inputs.vaults.operators})
    starts = {vault: each["start_block"] for vault, each in manifest["venue"].get("vaults", {}).items()}
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
        ours = time_weights(transfers, vault=vault, excluded=excluded, **span).weights
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


def _markets(manifest: dict[str, Any]) -> list[MarketSpec]:
    try:
        return [
            MarketSpec(
                name=name, adapter=market["adapter"], address=market["address"].lower(),
                start_block=market["start_block"], config=market["config"],
            )
            for name, market in manifest["venue"]["markets"].items()
        ]  # fmt: skip
    except (KeyError, TypeError, AttributeError) as error:
        raise BundleError(file=MANIFEST, reason=f"venue: {error} is missing or malformed") from error
