"""`python -m onchain.venues replay`: files in, files out, and a plain sentence where something is wrong."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from onchain.venues.__main__ import main
from tests.onchain.venues.data import DATA, recording

ROOT = DATA.parents[1]
COLUMNS = ["market", "block", "log_index", "time_ms", "kind", "order", "address", "side", "price", "size", "taker"]


def arguments(tmp_path: Path, venue: str, flavour: str, **changes: object) -> list[str]:
    options = {
        "adapter": venue, "market": DATA / venue / "market.toml", "logs": DATA / venue / f"{flavour}_logs.jsonl.gz",
        "blocks": DATA / venue / f"{flavour}_blocks.csv", "events": tmp_path / "events.parquet",
        "state": tmp_path / "state.json",
    } | changes  # fmt: skip
    flags = [(f"--{name}", str(value)) for name, value in options.items() if value is not None]
    return ["replay", *(part for flag in flags for part in flag)]


def test_it_runs_without_django_database_or_chain(tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "DATABASE"))}
    code = (
        "import sys; from onchain.venues.__main__ import main; status = main(sys.argv[1:]);"
        "assert not any(name.split('.')[0] in ('django', 'psycopg', 'celery', 'rewards') for name in sys.modules);"
        "sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments(tmp_path, "kuru", "small")],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "3005 logs" in done.stdout
    state = json.loads((tmp_path / "state.json").read_text())
    assert set(state) == {"orders", "best_bid", "best_ask"}
    assert state["orders"] == recording("kuru", "small").stored_orders()


@pytest.mark.parametrize("batch", [None, 1000])
def test_the_events_have_the_columns_of_the_evidence(tmp_path, batch):
    assert main(arguments(tmp_path, "gte", "plain", batch=batch)) == 0
    table = pq.read_table(tmp_path / "events.parquet")
    assert table.column_names == COLUMNS
    assert {str(table.schema.field(name).type) for name in ("block", "log_index", "time_ms", "price", "size")} == {
        "int64"
    }
    for row in table.to_pylist():
        present = {name for name, value in row.items() if value is not None} - {
            "market",
            "block",
            "log_index",
            "time_ms",
        }
        assert present == {
            "place": {"kind", "order", "address", "side", "price", "size"}, "cancel": {"kind", "order", "size"},
            "fill": {"kind", "order", "size", "taker"},
        }[row["kind"]]  # fmt: skip


def test_without_a_list_of_blocks_an_expiry_comes_with_the_next_block_that_is_known(tmp_path):
    assert main(arguments(tmp_path, "gte", "plain")) == 0
    known = pq.read_table(tmp_path / "events.parquet").to_pylist()
    assert main(arguments(tmp_path, "gte", "plain", blocks=None)) == 0
    later = pq.read_table(tmp_path / "events.parquet").to_pylist()
    last_log = int(recording("gte", "plain").logs.block[-1])

    def by_order(rows):
        found = {}
        for row in rows:
            key = row["order"], row["kind"], row["size"], row["taker"]
            found.setdefault(key, []).append((row["block"], row["time_ms"]))
        return found

    known, later = by_order(known), by_order(later)
    missing = {key for key, places in known.items() if len(places) != len(later.get(key, ()))}
    assert {kind for _, kind, _, _ in missing} == {"cancel"}
    assert all(known[key][-1][0] > last_log for key in missing)
    for key, places in later.items():
        if key not in missing:
            assert all(early[0] <= late[0] for early, late in zip(known[key], places, strict=True))


def test_an_impossible_log_ends_with_status_one_and_what_came_before_its_block(tmp_path, capsys):
    lines = gzip.decompress((DATA / "gte/plain_logs.jsonl.gz").read_bytes()).splitlines()
    lost = tmp_path / "lost.jsonl"
    lost.write_bytes(b"\n".join(lines[:3000] + lines[3001:]) + b"\n")
    assert main(arguments(tmp_path, "gte", "plain", logs=lost)) == 1
    said = capsys.readouterr().err
    block = json.loads(lines[3001])["blockNumber"]
    assert f"Block {block}, log " in said
    assert "logs are missing" in said
    assert max(pq.read_table(tmp_path / "events.parquet")["block"].to_pylist()) < block


def test_a_mended_queue_is_recognised_and_named(tmp_path, capsys):
    """A short run whose amend shows a link backwards, which the published contract never stores."""
    from tests.onchain.venues.test_gte import mended_run

    logs, market = mended_run(tmp_path)
    assert main(arguments(tmp_path, "gte", "plain", logs=logs, market=market, blocks=None)) == 0
    assert 'gte.queue = "mended"' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"adapter": "kuru"}, "the file is for gte"),
        ({"market": "/nowhere.toml"}, "/nowhere.toml: the file can't be read"),
        ({"logs": "/nowhere.jsonl"}, "/nowhere.jsonl: it can't be read"),
        ({"logs": DATA / "gte/plain_blocks.csv"}, "not a list of logs at byte 0"),
        ({"blocks": DATA / "gte/small_blocks.csv"}, "it lacks a block that a log is of"),
        ({"blocks": DATA / "kuru/market.toml"}, "it is no CSV with number and timestamp"),
        ({"events": "/nowhere/events.parquet"}, "/nowhere"),
    ],
)
def test_unusable_input_ends_with_status_two_and_one_sentence(tmp_path, capsys, changes, said):
    assert main(arguments(tmp_path, "gte", "plain", **changes)) == 2
    written = capsys.readouterr().err
    assert said in written
    assert len(written.splitlines()) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("number,hash", "nummer,hash"), "it is no CSV"), ((",1764000001\n", ",1764000999\n"), "go back"),
        (("\n800,", "\n900,"), "have a gap"), (("0xf2576ad2", "0xf2576ad3"), "another hash"),
        (("1764000015\n", "1764000014\n"), "another timestamp"),
    ],
)  # fmt: skip
def test_a_list_of_blocks_of_another_chain_is_refused(tmp_path, capsys, change, said):
    text = (DATA / "gte/plain_blocks.csv").read_text()
    assert change[0] in text
    blocks = tmp_path / "blocks.csv"
    blocks.write_text(text.replace(*change, 1))
    assert main(arguments(tmp_path, "gte", "plain", blocks=blocks)) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('tick_raw = "50000"', ""), "tick_raw: it is missing"),
        (('tick_raw = "50000"', 'tick_raw = "0"'), "tick_raw: it must be above 0"),
        (('tick_raw = "50000"', 'tick_raw = "5e4"'), "tick_raw: '5e4' is no whole number"),
        (('address = "0xb2', 'address = "0xB2'), "lower-case"), (('name = "BASE-USDQ"', ""), "name: "),
        (("[gte]", "[gtr]"), "gtr: no such key"), (("base_size", "basesize"), "gte.basesize: no such key"),
        (("[gte]", '[gte]\nqueue = "new"'), "gte.queue: 'new' is neither"), (('"gte"', '"gti"'), "no adapter gti"),
        (("[gte]", "[[gte]]"), "gte: the table is missing"), (("[gte]", "[gte"), "the file is no TOML"),
        (("start_block = 15", ""), "start_block: it is missing"),
    ],
)  # fmt: skip
def test_a_wrong_market_file_is_refused_by_its_key(tmp_path, capsys, change, said):
    text = (DATA / "gte/market.toml").read_text()
    assert change[0] in text
    market = tmp_path / "market.toml"
    market.write_text(text.replace(*change, 1))
    assert main(arguments(tmp_path, "gte", "plain", market=market)) == 2
    assert said in capsys.readouterr().err


def test_logs_before_the_start_block_are_not_read(tmp_path):
    market = tmp_path / "market.toml"
    market.write_text((DATA / "kuru/market.toml").read_text().replace("start_block = 11", "start_block = 478"))
    assert main(arguments(tmp_path, "kuru", "small", market=market)) == 0
    assert json.loads((tmp_path / "state.json").read_text()) == {"orders": {}, "best_bid": None, "best_ask": None}
