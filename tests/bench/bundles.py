"""Large evidence bundles for the benchmarks, complete with outputs and manifest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa

from rewards.engine import bundle, scoring
from rewards.engine.events import EventColumns
from rewards.engine.inputs import Inputs
from tests.bench.workloads import duration_ms, maker_addresses, market_columns, sessions_for, terms_for


def write_apart(directory: Path, *, events: int, markets: int, makers_each: int = 100) -> str:
    """Do what `write_bundle` does in a process of its own, whose memory no later child starts with; return the root."""
    command = [sys.executable, "-m", "tests.bench.bundles", *map(str, (directory, events, markets, makers_each))]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def write_bundle(directory: Path, *, events: int, markets: int, makers_each: int = 100) -> str | None:
    """Write a bundle of `events` over `markets`, equally many each; return its root."""
    names = [f"MKT{number:02d}-PERP" for number in range(markets)]
    columns = [
        market_columns(market=name, events=events // markets, makers=makers_each, seed=number)
        for number, name in enumerate(names)
    ]
    terms = terms_for(markets=names, duration_ms=max(map(duration_ms, columns)))
    makers = maker_addresses(makers_each)
    inputs = Inputs(
        terms=terms,
        sessions=sessions_for(terms),
        makers=makers,
        payouts={maker: [(address, 1_000_000)] for address, maker in makers.items()},
        carried_in={},
        previous=None,
        events=EventColumns.empty(),
    )
    bundle.write_inputs(directory, inputs)
    tables = pa.concat_tables([each.to_arrow() for each in columns])
    del columns
    order = np.lexsort((tables.column("log_index").to_numpy(), tables.column("block").to_numpy()))
    steps = range(0, len(order), bundle.BATCH_ROWS)
    bundle.write_events(directory, (tables.take(pa.array(order[at : at + bundle.BATCH_ROWS])) for at in steps))
    del tables
    result = scoring.score_batches(inputs, bundle.read_events(directory))
    bundle.write_outputs(directory, inputs, result)
    bundle.write_manifest(
        directory,
        bundle.ManifestFields(
            program=terms.program,
            epoch=1,
            chain_id=31337,
            distributor="0x" + "d1" * 20,
            venue={"adapter": "lamplight", "contracts": []},
            from_block=1,
            to_block=events,
            to_block_hash="0x" + "00" * 32,
            time_source="block",
            root=result.root,
            previous_root=None,
        ),
    )
    return result.root


if __name__ == "__main__":
    folder, *numbers = sys.argv[1:]
    count, of_markets, of_makers = map(int, numbers)
    print(write_bundle(Path(folder), events=count, markets=of_markets, makers_each=of_makers))
