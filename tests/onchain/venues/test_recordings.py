"""Replays of what the real contracts of Kuru and GTE emitted end in exactly what the contracts stored."""

import csv
import dataclasses
import json
from collections import Counter, defaultdict

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onchain.columns import BlockColumns, LogColumns, concatenate
from onchain.errors import AdapterStateError
from onchain.venues import make_adapter
from onchain.venues.gte import GteAdapter
from onchain.venues.replay import batches, replay, to_table
from rewards.engine.__main__ import main as engine
from tests.onchain.venues.data import DATA, block_seconds, book_of, recording, rows

RECORDINGS = [("kuru", "small"), ("gte", "plain"), ("gte", "small")]
every_recording = pytest.mark.parametrize(("venue", "flavour"), RECORDINGS)


@every_recording
@pytest.mark.parametrize("batch_logs", [1, 7, 1000, None])
def test_the_book_ends_as_the_contract_stores_it_at_any_batch_size(venue, flavour, batch_logs):
    run = recording(venue, flavour)
    done = replay(run.market, logs=run.logs, blocks=run.blocks, batch_logs=batch_logs)
    assert done.impossible is None
    book = done.adapter.contract_state()
    assert book["orders"] == run.stored_orders()
    best = ("book_best_bid", "book_best_ask") if venue == "kuru" else ("best_bid", "best_ask")
    assert (book["best_bid"], book["best_ask"]) == tuple(str(run.state[name]) for name in best)
    whole = replay(run.market, logs=run.logs, blocks=run.blocks)
    assert rows(done.events) == rows(whole.events)


def through(run, block: int) -> dict:
    logs = int((run.logs.block <= block).sum())
    blocks = int((run.blocks.number <= block).sum())
    return {
        "logs": run.logs.cut(0, logs),
        "blocks": BlockColumns(run.blocks.number[:blocks], run.blocks.timestamp_s[:blocks]),
    }


@every_recording
def test_every_checkpoint_of_the_contract_is_met_on_the_way(venue, flavour):
    run = recording(venue, flavour)
    for said in run.lines("checkpoints"):
        book = replay(run.market, **through(run, said["block"])).adapter.contract_state()
        assert {order: held["size"] for order, held in book["orders"].items()} == said["live"]
        names = ("book_best_bid", "book_best_ask") if venue == "kuru" else ("best_bid", "best_ask")
        assert (book["best_bid"], book["best_ask"]) == tuple(str(said[name]) for name in names)


@every_recording
def test_what_the_events_add_up_to_is_what_the_contract_stores_in_whole_lots(venue, flavour):
    """Checked at every checkpoint with the contract's sizes; what has expired counts nothing, whatever is stored."""
    run = recording(venue, flavour)
    lot = int(run.market.config["lot_raw"])
    seconds = block_seconds(venue, flavour)
    for said in run.lines("checkpoints"):
        done = replay(run.market, **through(run, said["block"]))
        over = set()
        if isinstance(done.adapter, GteAdapter):
            over = {str(order) for order, held in done.adapter._stored.items()
                    if 0 < held.expiry < seconds[said["block"]]}  # fmt: skip
        wanted = {order: int(size) // lot for order, size in said["live"].items() if order not in over}
        events = book_of(rows(done.events))
        vault = {order: events.pop(order) for order in ("vault-bid", "vault-ask") if order in events}
        assert events == {order: lots for order, lots in wanted.items() if lots}
        assert done.adapter.lots() == events | vault


def test_expiries_that_count_are_the_contracts_own():
    """The last state lists what is over and still stored: none of it is in the book of the events."""
    for flavour in ("plain", "small"):
        run = recording("gte", flavour)
        done = replay(run.market, logs=run.logs, blocks=run.blocks)
        book = book_of(rows(done.events))
        over = {order for order, said in run.state["orders"].items() if said.get("expired")}
        assert len(over) > 10
        assert not over & set(book)
        assert {o for o, s in run.state["orders"].items() if s["live"] and int(s["remaining"]) >= 10**13} - over == set(
            book
        )


@every_recording
def test_the_engine_scores_the_events(venue, flavour, tmp_path, capsys):
    """The engine stops at the first event that could not have happened (docs/spec/scoring.md, Inputs of one market)."""
    run = recording(venue, flavour)
    engine_bundle(tmp_path, run)
    events = replay(run.market, logs=run.logs, blocks=run.blocks).events
    pq.write_table(to_table(events, market="AAPL-PERP", blocks=run.blocks), tmp_path / "events.parquet")
    assert engine(["score", str(tmp_path), "--out", str(tmp_path / "out")]) == 0, capsys.readouterr().err
    with (tmp_path / "out/scores.csv").open() as file:
        assert any(int(row["credit"]) > 0 for row in csv.DictReader(file))


def engine_bundle(directory, run) -> None:
    """Write the inputs of an epoch that lasts as long as the recording: its makers enrolled, one session."""
    terms = json.loads((DATA.parent / "vectors/bundles/1/terms.json").read_text())
    start, end = (int(run.blocks.timestamp_s[at]) * 1000 for at in (0, -1))
    terms["epoch"] |= {"start_ms": start, "end_ms": end + 1000}
    terms["markets"] = {"AAPL-PERP": terms["markets"]["AAPL-PERP"]}
    makers = {address: f"maker-{place}" for place, address in enumerate(run.state["accounts"]["makers"])}
    files = {
        "terms.json": [json.dumps(terms)],
        "sessions.csv": ["start_ms,end_ms,kind", f"{start},{end + 1000},regular"],
        "makers.csv": ["address,maker", *(f"{address},{maker}" for address, maker in makers.items())],
        "payouts.csv": [
            "maker,account,share_ppm",
            *(f"{maker},{address},1000000" for address, maker in makers.items()),
        ],
        "carried_in.csv": ["maker,amount"],
    }
    for name, lines in files.items():
        (directory / name).write_text("\n".join(lines) + "\n")


@every_recording
@given(data=st.data())
@settings(max_examples=12, deadline=None)
def test_a_saved_state_goes_on_as_if_nothing_had_been(venue, flavour, data):
    """Wherever it was saved: between blocks, in the middle of one, in the middle of a taker's operation."""
    run = recording(venue, flavour)
    cuts = sorted(data.draw(st.lists(st.integers(1, len(run.logs) - 1), min_size=1, max_size=3, unique=True)))
    whole = replay(run.market, logs=run.logs, blocks=run.blocks)
    found, adapter = [], run.market.make()
    for logs, blocks in pieces(run, cuts):
        found += rows(adapter.apply(logs=logs, blocks=blocks).events)
        state = adapter.save()
        adapter = run.market.make()
        adapter.load(state)
    assert found == rows(whole.events)
    assert adapter.contract_state() == whole.adapter.contract_state()
    assert adapter.save() == state


def pieces(run, cuts):
    start = done = 0
    for end in [*cuts, len(run.logs)]:
        part = run.logs.cut(start, end)
        last = len(run.blocks) if end == len(run.logs) else int((run.blocks.number <= part.block[-1]).sum())
        yield part, BlockColumns(run.blocks.number[done:last], run.blocks.timestamp_s[done:last])
        start, done = end, last


@every_recording
def test_a_state_that_is_not_this_markets_or_is_damaged_is_refused(venue, flavour):
    run = recording(venue, flavour)
    state = run.market.make().save()
    other = make_adapter(name=venue, config={**run.market.config, "lot_raw": "7", "address": run.market.address})
    with pytest.raises(AdapterStateError, match="another configuration"):
        other.load(state)
    fresh = run.market.make()
    for damaged in (b"", state[:-1], state[:50] + bytes([state[50] ^ 1]) + state[51:], b"{}"):
        with pytest.raises(AdapterStateError, match="cut off or changed"):
            fresh.load(damaged)


@pytest.mark.parametrize("flavour", ["plain", "small"])
def test_fills_and_lazy_removals_are_those_that_the_balances_confirmed(flavour):
    """The recording's own attribution, which was checked against the contract's internal balances to the atom."""
    run = recording("gte", flavour)
    told = Watching.watch(run)
    fills = [
        (f["block"], f["log_index"], f["order_id"], f["base"], f["remaining_after"], f["taker"])
        for f in run.lines("derived_fills")
    ]
    assert told.fills == fills
    assert told.removals == [
        (e["block"], e["log_index"], e["order_id"], e["remaining_at_removal"], e["expiry"])
        for e in run.lines("derived_expiries")
    ]
    # And the market's events: as many lots of each order as those fills took.
    events = rows(replay(run.market, logs=run.logs, blocks=run.blocks).events)
    lots = Counter()
    for _, _, kind, order, _, _, _, size, taker, _ in events:
        if kind == "fill":
            lots[order, taker] += size
    raw = defaultdict(int)
    for _, _, order, base, _, taker in fills:
        raw[order, taker] += int(base)
    assert lots == {key: base // 10**13 for key, base in raw.items()}


class Watching(GteAdapter):
    """The adapter with an eye on what no market event carries: raw sizes, and when the contract drops what expired."""

    @classmethod
    def watch(cls, run) -> "Watching":
        adapter = cls(config={**run.market.config, "address": run.market.address})
        adapter.fills, adapter.removals = [], []
        assert adapter.apply(logs=run.logs, blocks=run.blocks).impossible is None
        return adapter

    def _filled(self, order, resting, base, taker):
        place = (self._block, self._source, str(order))
        left = str(resting.size - base)
        super()._filled(order, resting, base, taker)
        self.fills.append((*place, str(base), left, taker))

    def _dropped(self, order, resting):
        self.removals.append((self._block, self._source, str(order), str(resting.size), resting.expiry))
        super()._dropped(order, resting)


def test_an_order_counts_through_its_expirys_second_and_no_longer():
    """Every order with an expiry that the contract did not remove before: one cancel, at the second after."""
    run = recording("gte", "plain")
    seconds = block_seconds("gte", "plain")
    events = rows(replay(run.market, logs=run.logs, blocks=run.blocks).events)
    own_time = [event for event in events if event[9] != -1]
    assert len(own_time) > 100
    for block, _, kind, _order, _, _, _, _, _, time_ms in own_time:
        assert kind == "cancel"
        assert seconds[block - 1] * 1000 < time_ms <= seconds[block] * 1000
    # In the first block that is late enough, before anything that the block's logs say.
    in_block = defaultdict(list)
    for event in events:
        in_block[event[0]].append(event[9] != -1)
    assert all(flags == sorted(flags, reverse=True) for flags in in_block.values())


def test_times_never_go_back_along_the_order_of_events():
    for venue, flavour in RECORDINGS:
        run = recording(venue, flavour)
        table = to_table(replay(run.market, logs=run.logs, blocks=run.blocks).events, market="M", blocks=run.blocks)
        places = list(zip(table["block"].to_pylist(), table["log_index"].to_pylist(), strict=True))
        times = table["time_ms"].to_pylist()
        assert places == sorted(set(places))
        assert times == sorted(times)


def test_the_queues_of_the_recorded_contract_are_linked_as_it_links_them():
    """`levels` is the contract's getLimit of every price: count, head and tail, broken links and all."""
    for flavour in ("plain", "small"):
        run = recording("gte", flavour)
        adapter = replay(run.market, logs=run.logs, blocks=run.blocks).adapter
        for side, name in enumerate(("buy", "sell")):
            said = {
                int(price): (level["num_orders"], int(level["head"]), int(level["tail"]))
                for price, level in run.state["levels"][name].items() if level["num_orders"]
            }  # fmt: skip
            assert adapter._levels.levels(side) == said
        links = {str(order): (str(held.before), str(held.next)) for order, held in adapter._stored.items()}
        assert links == {o: (s["prev"], s["next"]) for o, s in run.state["orders"].items() if s["live"]}


def test_the_vault_ends_with_the_contracts_six_numbers_and_its_quotes_off_the_tick_are_rounded_away():
    run = recording("kuru", "small")
    adapter = replay(run.market, logs=run.logs, blocks=run.blocks).adapter
    said = run.state["vault_params"]
    assert {name: str(value) for name, value in adapter.vault_state().items()} == {
        "ask_size": said["ask_order_size"], "ask_part": said["ask_partially_filled_size"],
        "bid_size": said["bid_order_size"], "bid_part": said["bid_partially_filled_size"],
        "ask": said["best_ask_1e18"], "bid": said["best_bid_1e18"],
    }  # fmt: skip
    # 100.15 and 100.45045 in ticks of 0.1; 7199999976 and 7189216151 - 864869742 in lots of 10^7.
    events = rows(replay(run.market, logs=run.logs, blocks=run.blocks).events)
    quotes = {e[3]: (e[5], e[6]) for e in events if e[2] == "place" and e[3].startswith("vault")}
    assert quotes == {"vault-bid": ("bid", 1001), "vault-ask": ("ask", 1005)}
    assert {order: lots for order, lots in book_of(events).items() if order.startswith("vault")} == {
        "vault-bid": 719, "vault-ask": 632,
    }  # fmt: skip


def test_several_contracts_in_one_file_of_logs_do_no_harm():
    run, other = recording("gte", "plain"), recording("kuru", "small")
    mixed = sort(concatenate([run.logs, other.logs]))
    adapter = run.market.make()
    seconds = BlockColumns(run.blocks.number, run.blocks.timestamp_s)
    applied = adapter.apply(logs=mixed, blocks=seconds)
    assert rows(applied.events) == rows(replay(run.market, logs=run.logs, blocks=run.blocks).events)


def sort(logs: LogColumns) -> LogColumns:
    """Two chains in one: the second one's places are pushed behind the first one's within a block."""
    places = logs.log_index + np.where(logs.address == 1, 10_000, 0)
    return dataclasses.replace(logs, log_index=places).take(np.lexsort((places, logs.block)))


def test_batches_hold_every_block_once():
    run = recording("gte", "plain")
    for size in (1, 7, 1000):
        seen = [int(n) for _, blocks in batches(run.logs, run.blocks, batch_logs=size) for n in blocks.number]
        assert seen == run.blocks.number.tolist()
